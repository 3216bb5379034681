import { readFileSync } from 'node:fs';
import { CopyObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { StateMachine } from 'aws-local-stepfunctions';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { inParallel } from '../../lib/pipeline/parallel.ts';
import { sha256 } from '../../lib/records/digest.ts';
import { batchIdFrom } from '../../lib/records/ids.ts';
import { hasEnded } from '../../lib/records/openai-batch.ts';
import { localStateMachineArn } from '../../local/local-account.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { waitingMachineArn } from '../policies/waiting-machine.ts';
import { type DeployedStack, startDeployedStack } from './deployed-stack.ts';

let stack: DeployedStack;

beforeAll(async () => {
  stack = await startDeployedStack();
}, 300_000);

afterAll(() => stack?.close());

/** Ends of batches are waited for; on a slow machine they take long. */
const patience = 120_000;

async function ended(name: string) {
  return vi.waitUntil(
    async () => {
      const status = await stack.status(name);
      return status && ['completed', 'failed', 'expired', 'cancelled', 'refused'].includes(status.status) && status;
    },
    { timeout: patience, interval: 200 },
  );
}

async function endedBatch(batchId: string): Promise<OpenAI.Batch> {
  return vi.waitUntil(
    async () => {
      const batch = await stack.client.batches.retrieve(batchId);
      return hasEnded(batch.status) && batch;
    },
    { timeout: patience, interval: 500 },
  );
}

function jsonl(lines: readonly string[]): File {
  return new File([fileOf(lines)], 'requests.jsonl');
}

async function created(lines: readonly string[], more: object = {}): Promise<OpenAI.Batch> {
  const file = await stack.client.files.create({ file: jsonl(lines), purpose: 'batch' });
  return stack.client.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    ...more,
  });
}

describe('as it is deployed', { concurrent: true, timeout: patience + 60_000 }, () => {
  it('a drop comes back: every request once, an event, a line of each step in the logs, and no text in a trace', async () => {
    const lines = numbered(20, (id) => chatLine(id, 'a confidential question'));
    await stack.drop('reviews.jsonl', fileOf(lines), { 'max-cost-usd': '5' });
    const status = await ended('reviews.jsonl');

    expect(status).toMatchObject({ status: 'completed', request_counts: { total: 20, completed: 20, failed: 0 } });
    const { output, errors } = await stack.results(status.batch_id ?? '');
    expect(output.map((line) => JSON.parse(line).custom_id)).toEqual(lines.map((line) => JSON.parse(line).custom_id));
    expect(errors).toEqual([]);
    const batchId = status.batch_id ?? '';
    for (const step of ['intake', 'prepare', 'submit', 'poll', 'collect', 'finalize'])
      await vi.waitUntil(() => hasLogged(step, { level: 'INFO', message: 'A step ended.', step, batchId }), {
        timeout: patience,
      });
    expect(JSON.stringify(stack.events)).toContain(`"id":"${batchId}:completed"`);
    const { input_file_id: inputId } = await stack.client.batches.retrieve(batchId);
    expect(await (await stack.client.files.content(inputId)).text()).toBe(fileOf(lines));
    const traces = stack.traces.join('\n');
    expect(traces).toContain(`"batchId":"${batchId}"`);
    expect(traces).not.toContain('confidential');
  });

  it('an official client sends a file, its batch comes back, and what failed is sent again as another', async () => {
    const batch = await created([chatLine('good'), chatLine('bad', '[[refuse]]')], { metadata: { city: 'Köln' } });
    const first = await endedBatch(batch.id);
    expect(first).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 1, failed: 1 } });
    expect(first.metadata).toEqual({ city: 'Köln' });
    const content = await stack.client.files.content(first.output_file_id ?? '');
    expect(
      (await content.text())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).custom_id),
    ).toEqual(['good']);

    const retry = (await stack.client.post(`/batches/${batch.id}/retry`)) as OpenAI.Batch;
    expect(retry).toMatchObject({ batchdrop: { retry_of: batch.id } });
    expect((await endedBatch(retry.id)).request_counts).toEqual({ total: 1, completed: 0, failed: 1 });
    expect(await stack.client.files.delete(first.output_file_id ?? '')).toMatchObject({ deleted: true });
  });

  it('an upload in parts of 4 MiB gives the file byte for byte; a part above the gateway’s limit gets its bare 413', async () => {
    const partBytes = 4 * 1024 * 1024;
    const bytes = Buffer.alloc(2 * partBytes + 1_000, Buffer.from(Array.from({ length: 256 }, (_, value) => value)));
    const { uploads } = stack.client;
    const upload = await uploads.create({
      filename: 'large.jsonl',
      purpose: 'batch',
      bytes: bytes.length,
      mime_type: 'application/jsonl',
    });
    const ids: string[] = [];
    for (let start = 0; start < bytes.length; start += partBytes) {
      const data = new File([bytes.subarray(start, start + partBytes)], 'part');
      ids.push((await uploads.parts.create(upload.id, { data })).id);
    }
    const { file } = await uploads.complete(upload.id, { part_ids: ids });
    const content = await stack.client.files.content(file?.id ?? '');
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);

    const tooLarge = stack.client.files.create({
      file: new File([Buffer.alloc(11 * 1024 * 1024)], 'a.jsonl'),
      purpose: 'batch',
    });
    await expect(tooLarge).rejects.toMatchObject({ status: 413, error: { message: 'Request Entity Too Large' } });
  });

  it("the console comes out of the API's package, compressed, and no link signs in to it", async () => {
    const url = stack.client.baseURL.replace(/\/v1$/, '');
    const browser = { accept: 'text/html', 'accept-encoding': 'gzip, deflate, br' };
    const page = await fetch(`${url}/`, { headers: browser });
    expect(page.headers.get('content-encoding')).toBe('br');
    const [, script = ''] = /src="(\/console\/[^"]+\.js)"/.exec(await page.text()) ?? [];
    const loaded = await fetch(url + script);
    expect(loaded.headers.get('cache-control')).toContain('immutable');
    expect(await loaded.text()).toContain('/console/session');
    const body = JSON.stringify({ token: 'guessed' });
    const headers = { 'content-type': 'application/json', origin: url };
    expect((await fetch(`${url}/console/session`, { method: 'POST', headers, body })).status).toBe(404);
  });

  it('a drop that waits at its provider is cancelled through the API', async () => {
    await stack.drop('waits.jsonl', fileOf([chatLine('one')]), { provider: 'slow' });
    const batchId = await vi.waitUntil(async () => (await stack.status('waits.jsonl'))?.batch_id, {
      timeout: patience,
      interval: 200,
    });
    await untilSent(batchId);

    expect((await stack.client.batches.cancel(batchId)).status).toBe('cancelling');
    expect(await ended('waits.jsonl')).toMatchObject({ status: 'cancelled', request_counts: { total: 1 } });
  });

  it('a batch of thousands of shards is answered within 6 MB, and cancelled before the gateway gives up', async () => {
    const batch = await inShards(2_000);
    const shown = await stack.client.batches.retrieve(batch.id);
    expect(shown).toMatchObject({ id: batch.id, batchdrop: { shards_omitted: 1_000 } });
    expect((await stack.client.batches.cancel(batch.id)).status).toBe('cancelling');
    await stack.records.updateBatch(batch.id, (current) => ({ ...current, status: 'cancelled', eventSentAtMs: 0 }));
  });

  it('a state machine of somebody’s drops a file and waits until its batch has ended', async () => {
    await stack.put('elsewhere/requests.jsonl', fileOf([chatLine('one')]));
    const { token, answer } = stack.stepFunctions.tasks.open(waitingMachineArn);
    const text = readFileSync('examples/wait-for-batch.asl.json', 'utf8').replace('your-batchdrop-bucket', 'batchdrop');
    const run = new StateMachine(JSON.parse(text)).run(
      { requests: 'batchdrop/elsewhere/requests.jsonl' },
      {
        overrides: {
          taskResourceLocalHandlers: {
            AnswerRequests: async (input) => {
              await new S3Client({ forcePathStyle: true }).send(new CopyObjectCommand(input as never));
              const told = await answer;
              return 'output' in told ? (told.output as never) : Promise.reject(new Error(told.error));
            },
          },
        },
        context: { Execution: { Name: 'monday' }, Task: { Token: token } } as never,
      },
    );
    const { batch_id: batchId } = await ended('monday.jsonl');
    expect(await run.result).toEqual({
      batch: batchId,
      status: 'completed',
      counts: { total: 1, completed: 1, failed: 0 },
      output: `s3://batchdrop/results/${batchId}/output.jsonl`,
      errors: null,
    });
    for (const step of ['intake', 'finalize']) expect(stack.lambda.outputOf(`batchdrop-${step}`)).not.toContain(token);
  });
});

describe('what goes wrong as it is deployed', { timeout: patience + 60_000 }, () => {
  it('a step that outlives its time is killed, and another run ends its batch', async () => {
    expect(stack.lambda.failures).toEqual([]);
    stack.holdSecret('batchdrop/held');
    stack.lambda.cutTime('batchdrop-prepare', 2_000);
    await stack.drop('held.jsonl', fileOf([chatLine('one')]), { provider: 'held' });
    expect(await ended('held.jsonl')).toMatchObject({ status: 'completed', request_counts: { completed: 1 } });
    expect(stack.lambda.failures).toEqual([
      expect.stringMatching(/^batchdrop-prepare Sandbox.Timedout: RequestId: .* timed out after 2.00 seconds$/),
    ]);
  });

  it('the sweep brings back a batch whose execution is lost', async () => {
    const { id } = await created([chatLine('one')], { provider: 'slow' });
    await untilSent(id);
    const executionArn = `${localStateMachineArn.replace(':stateMachine:', ':execution:')}:${id}-0`;
    await new SFNClient().send(new StopExecutionCommand({ executionArn }));
    const answer = await stack.lambda.invoke('batchdrop-sweep', { graceMs: 0 });
    expect(answer).toMatchObject({ restarted: 1 });
    await vi.waitUntil(() => hasLogged('sweep', { OldestOverdueSeconds: 0, service: 'batchdrop' }), {
      timeout: patience,
    });
    await stack.client.batches.cancel(id);
    expect((await endedBatch(id)).status).toBe('cancelled');
  });
});

async function untilSent(batchId: string): Promise<void> {
  const isSent = async () => JSON.stringify(await stack.client.batches.retrieve(batchId)).includes('"submitted"');
  await vi.waitUntil(isSent, { timeout: patience, interval: 500 });
}

/** A batch of so many shards at their provider, as its records would be; none of them was really sent. */
async function inShards(count: number) {
  const { id } = await endedBatch((await created([chatLine('one')])).id);
  const model = await stack.records.getBatch(id);
  const [round] = model.rounds;
  const [shard] = await stack.records.listShards(id, round?.token ?? '');
  if (!round || !shard) throw new Error(`${id} has no shard.`);
  const batch = {
    ...model,
    id: batchIdFrom(sha256(id)),
    status: 'in_progress' as const,
    eventSentAtMs: null,
  };
  await inParallel(
    16,
    Array.from({ length: count }, (_, place) => place),
    async (place) => {
      const atProvider = { status: 'submitted' as const, providerBatchId: `batch_${place}`, result: null, end: null };
      await stack.records.createShard({
        ...shard,
        ...atProvider,
        batchId: batch.id,
        shard: place,
        lastError: 'The provider did not answer.',
      });
    },
  );
  await stack.records.createBatch({ ...batch, rounds: [{ ...round, shards: count }] });
  return batch;
}

/** Whether CloudWatch would have a line of a function that says all this. */
function hasLogged(step: string, what: Record<string, unknown>): boolean {
  const lines = stack.lambda.outputOf(`batchdrop-${step}`).split('\n');
  return lines.some((line) => {
    if (!line.startsWith('{')) return false;
    const said = JSON.parse(line);
    return Object.entries(what).every(([name, value]) => said[name] === value);
  });
}
