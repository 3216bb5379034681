import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import type { CreationRecord } from '../../simulators/simulators.ts';
import { chatLine, claudeLine, fileOf } from '../pipeline/requests.ts';
import { seedOfTest } from '../seed.ts';

/** A whole stack in a process that is killed, beside simulators that live on in one of their own. */
let folder: string;
let simulators: ChildProcess;
let urls: { openai: string; anthropic: string };
let stack: { process: ChildProcess; s3: S3Client };

const bucket = 'batchdrop';
const quick = { createTimeoutSeconds: 3, settleSeconds: 1 };

async function run(
  script: string,
  args: string[],
  readyFile: string,
  environment: Record<string, string> = {},
): Promise<ChildProcess> {
  await rm(readyFile, { force: true });
  const child = spawn(process.execPath, [script, ...args, '--ready-file', readyFile], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (!existsSync(readyFile)) {
    if (child.exitCode !== null) throw new Error(`${script} ended with ${child.exitCode}`);
    await sleep(20);
  }
  return child;
}

async function startStack(): Promise<typeof stack> {
  const readyFile = join(folder, 'ready.json');
  const args = [
    'start',
    '--port',
    '0',
    '--s3-port',
    '0',
    '--data-dir',
    join(folder, 'data'),
    '--config',
    join(folder, 'config.json'),
  ];
  const child = await run('cli/main.ts', args, readyFile, {
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: urls.openai,
    ANTHROPIC_API_KEY: 'key',
    ANTHROPIC_BASE_URL: urls.anthropic,
  });
  const { s3Url } = JSON.parse(await readFile(readyFile, 'utf8'));
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    process: child,
    s3: new S3Client({ endpoint: s3Url, region: 'us-east-1', credentials, forcePathStyle: true }),
  };
}

async function kill(): Promise<void> {
  const exit = once(stack.process, 'exit');
  stack.process.kill('SIGKILL');
  await exit;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batchdrop-kill-'));
  await mkdir(join(folder, 'simulators'));
  const providers = {
    openai: { kind: 'openai', secret: 'a', ...quick },
    anthropic: { kind: 'anthropic', secret: 'b', ...quick },
  };
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ providers, polling: { minSeconds: 1, maxSeconds: 2 } }),
  );
  const readyFile = join(folder, 'simulators.json');
  simulators = await run('simulators/main.ts', ['--data-dir', join(folder, 'simulators')], readyFile);
  urls = JSON.parse(await readFile(readyFile, 'utf8')).urls;
});

afterAll(async () => {
  stack?.process.kill('SIGKILL');
  simulators?.kill('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

async function textOf(key: string): Promise<string> {
  try {
    const found = await stack.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await found.Body?.transformToString()) ?? '';
  } catch (error) {
    if (error instanceof NoSuchKey) return '';
    throw error;
  }
}

async function creations(): Promise<CreationRecord[]> {
  const hosts = [urls.openai, urls.anthropic].map((url) => new URL(url).origin);
  const answers = await Promise.all(hosts.map(async (host) => (await fetch(`${host}/__simulator/creations`)).json()));
  return answers.flat() as CreationRecord[];
}

describe('a stack that is killed again and again', () => {
  it('finishes every batch, and creates nothing at a provider twice', async () => {
    const random = new SeededRandom(seedOfTest());
    stack = await startStack();
    const inputs = new Map<string, string[]>();
    for (let round = 0; round < 5; round += 1) {
      for (let file = 0; file < 4; file += 1) {
        const name = `kill-${round}-${file}.jsonl`;
        const line = file % 2 === 0 ? chatLine : claudeLine;
        const lines = Array.from({ length: 30 }, (_, place) => line(`${name}-${place}`));
        inputs.set(name, lines);
        await stack.s3.send(new PutObjectCommand({ Bucket: bucket, Key: `inbox/${name}`, Body: fileOf(lines) }));
        await sleep(random.next() * 60);
      }
      await sleep(random.next() * 1_500);
      await kill();
      stack = await startStack();
    }
    for (const [name, lines] of inputs) {
      const status = await waitForEnd(name);
      const output = (await textOf(`results/${status.batch_id}/output.jsonl`)).trim().split('\n');
      expect(status.status).toBe('completed');
      expect(output.map((line) => JSON.parse(line).custom_id)).toEqual(lines.map((line) => JSON.parse(line).custom_id));
    }
    const shards = (await creations()).map(({ requestIds }) => requestIds[0]?.slice(0, 39));
    expect(shards).toHaveLength(inputs.size);
    expect(new Set(shards).size).toBe(inputs.size);
  }, 180_000);
});

async function waitForEnd(name: string): Promise<{ batch_id: string; status: string }> {
  for (let tries = 0; tries < 600; tries += 1) {
    const text = await textOf(`status/${name}.json`);
    const status = text === '' ? null : JSON.parse(text);
    if (status && !['validating', 'in_progress', 'finalizing'].includes(status.status)) return status;
    await sleep(200);
  }
  throw new Error(`${name} did not end.`);
}
