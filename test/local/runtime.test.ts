import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../lib/records/errors.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { DataFolderInUseError } from '../../local/data-folder.ts';
import type { FunctionHandler } from '../../local/function-invoker.ts';
import { PortTakenError } from '../../local/port-taken-error.ts';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../local/runtime.ts';

let dataDir: string;
const running: LocalStack[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'batchdrop-runtime-'));
});

afterEach(async () => {
  for (const stack of running.splice(0)) await stack.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A stack whose functions do what the test says; the others do nothing. */
async function start(
  functions: Partial<Record<FunctionName, FunctionHandler>> = {},
  options: Partial<LocalStackOptions> = {},
): Promise<LocalStack> {
  const loadFunction = async (name: FunctionName) => functions[name] ?? (async () => null);
  const stack = await startLocalStack({ dataDir, loadFunction, ...options });
  running.push(stack);
  return stack;
}

async function drop(stack: LocalStack, key: string): Promise<void> {
  // Without an endpoint or credentials of its own: it reads them from the environment, as the handlers do.
  const client = new S3Client({ forcePathStyle: true });
  await client.send(new PutObjectCommand({ Bucket: stack.bucket, Key: key, Body: '{}' }));
  client.destroy();
}

describe('a local stack', () => {
  it('answers on its HTTP port and says its version', async () => {
    const stack = await start();
    const health = await fetch(`${stack.apiUrl}/healthz`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({ status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect((await fetch(`${stack.apiUrl}/elsewhere`)).status).toBe(404);
  });

  it('binds to 127.0.0.1 only', async () => {
    const stack = await start();
    for (const url of [stack.apiUrl, ...Object.values(stack.endpoints)])
      expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it('sweeps before it takes a drop, and then hands the drop to intake as EventBridge would', async () => {
    const calls: [string, unknown][] = [];
    const stack = await start({
      sweep: async (event) => {
        await sleep(100);
        calls.push(['sweep', event]);
      },
      intake: async (event) => {
        calls.push(['intake', event]);
      },
    });
    await drop(stack, 'elsewhere/a.jsonl');
    await drop(stack, 'inbox/a.jsonl');
    await expect.poll(() => calls.length).toBe(2);
    expect(calls[0]).toMatchObject(['sweep', { graceMs: 0 }]);
    expect(calls[1]).toMatchObject([
      'intake',
      { 'detail-type': 'Object Created', detail: { object: { key: 'inbox/a.jsonl' } } },
    ]);
  });

  it('hands a drop to intake again when intake failed, and logs the failure', async () => {
    let calls = 0;
    const stack = await start({
      intake: async () => {
        calls += 1;
        if (calls === 1) throw new Error('Intake stumbled over sk-secretsecret.');
      },
    });
    await drop(stack, 'inbox/a.jsonl');
    await expect.poll(() => calls).toBe(2);
    const log = readFileSync(join(dataDir, 'batchdrop.log'), 'utf8');
    expect(JSON.parse(log.trim())).toMatchObject({
      level: 'ERROR',
      function: 'intake',
      error: 'Intake stumbled over [hidden].',
    });
  });

  it('hands a drop to intake after a restart, when intake had not got to it', async () => {
    const first = await start({ intake: () => new Promise(() => undefined) });
    await drop(first, 'inbox/a.jsonl');
    await first.close();
    let calls = 0;
    await start({
      intake: async () => {
        calls += 1;
      },
    });
    await expect.poll(() => calls).toBe(1);
  });

  it('runs the state machine that CDK deploys', async () => {
    const done = { prepare: { done: true, ended: true }, finalize: { done: true, nextRound: false } };
    const stack = await start({ prepare: async () => done.prepare, finalize: async () => done.finalize });
    const client = new SFNClient();
    const input = JSON.stringify({ batchId: 'batch_1', epoch: 0, pauseSeconds: 1, turn: { events: 0 } });
    const stateMachineArn = process.env.BATCHDROP_STATE_MACHINE_ARN;
    await client.send(new StartExecutionCommand({ stateMachineArn, name: 'batch_1-0', input }));
    client.destroy();
    await expect.poll(() => stack.historyEvents('batch_1-0')).toBe(1 + 5 + 2 + 5 + 2 + 2 + 1);
    expect(stack.historyEvents('batch_2-0')).toBeNull();
  });

  it('says in the environment where everything is, and takes it back at the end', async () => {
    const before = { ...process.env };
    const stack = await start();
    expect(process.env).toMatchObject({
      AWS_ENDPOINT_URL_S3: stack.endpoints.s3,
      AWS_ENDPOINT_URL_DYNAMODB: stack.endpoints.dynamodb,
      AWS_ENDPOINT_URL_SFN: stack.endpoints.stepFunctions,
      AWS_ENDPOINT_URL_EVENTBRIDGE: stack.endpoints.eventBridge,
      BATCHDROP_BUCKET: stack.bucket,
      BATCHDROP_SECRETS: 'environment',
      OPENAI_API_KEY: 'simulated',
      ANTHROPIC_API_KEY: 'simulated',
    });
    await stack.close();
    expect({ ...process.env }).toEqual(before);
  });

  it('stops within two seconds, whatever its functions do, and tells them', async () => {
    const signals: AbortSignal[] = [];
    const stack = await start({
      intake: (_event, { signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    await drop(stack, 'inbox/a.jsonl');
    await expect.poll(() => signals.length).toBe(1);
    const startedAtMs = performance.now();
    await stack.close();
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(signals[0]?.aborted).toBe(true);
  });
});

describe('a start is refused', () => {
  it('while another stack has the data folder', async () => {
    const stack = await start();
    await expect(start()).rejects.toThrow(DataFolderInUseError);
    await expect(start()).rejects.toThrow(`The data folder ${dataDir} is in use by another batchdrop`);
    await stack.close();
    await start();
  });

  it('where a port is taken, and lets go of everything else', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(start({}, { port })).rejects.toThrow(PortTakenError);
    await expect(start({}, { s3Port: port })).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken`);
    await new Promise((resolve) => other.close(resolve));
    await start({}, { port });
  });

  it.each([
    ['is not JSON', '{', 'is not valid JSON'],
    ['has an unknown entry', '{"providers":{},"colour":"red"}', 'colour'],
    ['lacks a secret', '{"providers":{"openai":{"kind":"openai"}}}', 'providers.openai.secret'],
  ])('where the configuration %s, naming the file', async (_what, text, reason) => {
    const configFile = join(dataDir, 'own.json');
    writeFileSync(configFile, text);
    await expect(start({}, { configFile })).rejects.toThrow(ConfigurationError);
    await expect(start({}, { configFile })).rejects.toThrow(configFile);
    await expect(start({}, { configFile })).rejects.toThrow(reason);
  });
});

describe('a provider', () => {
  const name = 'my-team.openai';

  function writeConfig(): string {
    const configFile = join(dataDir, 'own.json');
    writeFileSync(configFile, JSON.stringify({ providers: { [name]: { kind: 'openai', secret: 's' } } }));
    return configFile;
  }

  afterEach(() => {
    delete process.env.MY_TEAM_OPENAI_API_KEY;
  });

  it('without a key is simulated', async () => {
    const stack = await start({}, { configFile: writeConfig() });
    expect(stack).toMatchObject({ simulated: [name], real: [] });
    const models = await fetch(`${process.env.MY_TEAM_OPENAI_BASE_URL}/batches`, {
      headers: { authorization: `Bearer ${process.env.MY_TEAM_OPENAI_API_KEY}` },
    });
    expect(models.status).toBe(200);
  });

  it('with a key is the real one', async () => {
    process.env.MY_TEAM_OPENAI_API_KEY = 'sk-real';
    const stack = await start({}, { configFile: writeConfig() });
    expect(stack).toMatchObject({ simulated: [], real: [name] });
    expect(process.env).toMatchObject({ MY_TEAM_OPENAI_API_KEY: 'sk-real' });
    expect(process.env).not.toHaveProperty('MY_TEAM_OPENAI_BASE_URL');
  });

  it('with a key is simulated all the same where the caller asks for it', async () => {
    process.env.MY_TEAM_OPENAI_API_KEY = 'sk-real';
    const stack = await start({}, { configFile: writeConfig(), simulateAll: true });
    expect(stack.simulated).toEqual([name]);
    expect(process.env.MY_TEAM_OPENAI_API_KEY).toBe('simulated');
  });

  it('can be simulated by another process', async () => {
    const simulators = { openai: 'http://127.0.0.1:1/v1', anthropic: 'http://127.0.0.1:2' };
    await start({}, { simulators });
    expect(process.env).toMatchObject({
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:2',
    });
    expect(existsSync(join(dataDir, 'simulators'))).toBe(false);
  });
});
