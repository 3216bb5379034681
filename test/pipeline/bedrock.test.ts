import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { sweepSchema } from '../../lambdas/events.ts';
import type { LoopbackServer } from '../../local/loopback-server.ts';
import { startBedrockSimulator } from '../../simulators/bedrock/server.ts';
import type { LiveSimulator } from '../../simulators/simulators.ts';
import { startBedrockGuard } from '../policies/bedrock-guard.ts';
import { signAllByCaller } from '../policies/caller.ts';
import { permissionsOf } from '../policies/permissions.ts';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, fileOf, numbered } from './requests.ts';
import { cancelBatch, resumeBatchOfJob } from './steps.ts';

const model = 'us.anthropic.claude-opus-4-6-v1:0';

let dataDir: string;
let simulator: LiveSimulator;
let guard: LoopbackServer;
let harness: Harness;

const stopSigning = signAllByCaller();

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  dataDir = mkdtempSync(join(tmpdir(), 'batchdrop-bedrock-'));
  const timing = { validatingMs: 500, inProgressMs: 2_000, finalizingMs: 500 };
  simulator = await startBedrockSimulator({ dataDir, timing, minRecords: 10 });
  guard = await startBedrockGuard(simulator.url, permissionsOf('bedrock'));
  const baseUrl = guard.url;
  const roleArn = 'arn:aws:iam::000000000000:role/bedrock';
  const bedrock = {
    kind: 'bedrock',
    baseUrl,
    roleArn,
    limits: { minRequests: 10 },
    settleSeconds: 5,
    createTimeoutSeconds: 10,
  };
  harness = await startHarness({ providers: { bedrock } });
});

afterAll(async () => {
  await harness.close();
  await guard.close();
  await simulator.close();
  stopSigning();
  rmSync(dataDir, { recursive: true, force: true });
  vi.useRealTimers();
});

async function dropAndDrive(name: string, lines: string[], options: Record<string, string> = {}): Promise<string> {
  const batchId = await harness.drop(`${name}.jsonl`, fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  await drive(harness, batchId);
  return batchId;
}

it('answers a dropped file through the bucket, in its order', async () => {
  const lines = numbered(25, (id) => chatLine(id, id, model));
  const batchId = await dropAndDrive('whole', lines);

  await expectExactlyOnce(harness, batchId, lines);
  expect(await harness.status('whole.jsonl')).toMatchObject({ status: 'completed', error_count: 0 });
  const summary = JSON.parse((await harness.read(`results/${batchId}/batch.json`)) ?? '');
  expect(summary.batchdrop.receipt.cost.usd).toBeGreaterThan(0);
});

it('sends again what a job did not reach', async () => {
  simulator.setFaults([{ kind: 'partial', fraction: 0.4, times: 1 }]);
  const before = (await simulator.creations()).length;
  const lines = numbered(25, (id) => chatLine(id, id, model));
  const batchId = await dropAndDrive('partial', lines);

  await expectExactlyOnce(harness, batchId, lines);
  expect(await harness.status('partial.jsonl')).toMatchObject({ status: 'completed', error_count: 0 });
  const jobs = (await simulator.creations()).slice(before);
  expect(jobs.map(({ requestIds }) => requestIds.length)).toEqual([25, 15]);
});

it('answers the parts of a refused job by live calls where they are too few for one, as far as the cap allows it', async () => {
  simulator.setFaults([{ kind: 'refused_lines', names: false, match: { text: 'POISON' } }]);
  const before = (await simulator.creations()).length;
  const lines = numbered(16, (id) => chatLine(id, id === 'request-3' ? 'POISON' : id, model));
  const batchId = await dropAndDrive('apart', lines);

  await expectExactlyOnce(harness, batchId, lines);
  expect(await harness.status('apart.jsonl')).toMatchObject({ status: 'completed', error_count: 0 });
  expect((await simulator.creations()).slice(before).map(({ requestIds }) => requestIds.length)).toEqual([16]);
  const asBatch = (await harness.batch(batchId)).report?.estimatedCost.usd ?? Number.NaN;
  const calls = simulator.liveCalls().length;
  const cappedId = await dropAndDrive('capped', lines, { 'max-cost-usd': (1.5 * asBatch).toFixed(6) });

  await expectExactlyOnce(harness, cappedId, lines);
  const { errors } = await harness.results(cappedId);
  expect(errors).toHaveLength(16);
  for (const line of errors)
    expect(JSON.parse(line).error).toMatchObject({
      code: 'batch_failed',
      message: expect.stringMatching(/no valid record.*would pass max_cost_usd/),
    });
  expect(simulator.liveCalls()).toHaveLength(calls);
  simulator.setFaults([]);
});

it('adopts a job whose creation went unanswered', async () => {
  simulator.setFaults([{ kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 }]);
  const before = (await simulator.creations()).length;
  const lines = numbered(12, (id) => chatLine(id, id, model));
  const batchId = await dropAndDrive('lost', lines);

  await expectExactlyOnce(harness, batchId, lines);
  expect((await simulator.creations()).length).toBe(before + 1);
});

it('makes a job of what is enough for one, and answers the few lines of other models by live calls', async () => {
  const before = (await simulator.creations()).length;
  const calledBefore = simulator.liveCalls().length;
  const lines = numbered(12, (id) => chatLine(id, id, model));
  const others = {
    few: 'anthropic.claude-3-haiku-20240307-v1:0',
    nova: 'us.amazon.nova-lite-v1:0',
    llama: 'meta.llama3-3-70b-instruct-v1:0',
    mistral: 'mistral.mistral-large-2407-v1:0',
    prompt: 'mistral.mixtral-8x7b-instruct-v0:1',
    converse: 'qwen.qwen3-32b-v1:0',
  };
  const few = Object.entries(others).map(([id, name]) => chatLine(id, `Who is ${id}?`, name));
  const embedding = JSON.stringify({
    custom_id: 'vector',
    method: 'POST',
    url: '/v1/embeddings',
    body: { model: 'amazon.titan-embed-text-v2:0', input: 'a' },
  });
  const chatId = await dropAndDrive('few', [...lines, ...few]);
  const embeddingsId = await dropAndDrive('vectors', [embedding]);

  await expectExactlyOnce(harness, chatId, [...lines, ...few]);
  await expectExactlyOnce(harness, embeddingsId, [embedding]);
  expect(await harness.status('few.jsonl')).toMatchObject({ status: 'completed', error_count: 0 });
  expect(await harness.status('vectors.jsonl')).toMatchObject({ status: 'completed', error_count: 0 });
  expect((await simulator.creations()).slice(before).map(({ requestIds }) => requestIds.length)).toEqual([12]);
  expect(
    simulator
      .liveCalls()
      .slice(calledBefore)
      .map(({ path }) => path.split('/').at(-1))
      .toSorted(),
  ).toEqual(['converse', ...Array.from({ length: 6 }, () => 'invoke')]);
  const { output } = await harness.results(chatId);
  const byId = new Map(output.map((line) => [JSON.parse(line).custom_id, JSON.parse(line).response.body]));
  for (const [id, name] of Object.entries(others).filter(([each]) => each !== 'few' && each !== 'mistral'))
    expect(byId.get(id)).toMatchObject({
      object: 'chat.completion',
      model: name,
      choices: [{ message: { content: expect.stringContaining(`Who is ${id}?`) }, finish_reason: 'stop' }],
    });
});

it('goes on at once when it hears that a job ended, and minds no word that is doubled, late or for others', async () => {
  const lines = numbered(12, (id) => chatLine(id, id, model));
  const batchId = await harness.drop('heard.jsonl', fileOf(lines));
  if (batchId === null) throw new Error('refused');
  const before = (await simulator.creations()).length;
  const hear = (jobArn: string, status = 'Completed') => resumeBatchOfJob(harness.services, { jobArn, status });
  const heard: boolean[] = [];
  const onTurn = async () => {
    const job = (await simulator.creations())[before];
    if (!job || heard.length > 0) return;
    heard.push((await hear(job.providerBatchId, 'InProgress')).restarted);
    heard.push((await hear(job.providerBatchId)).restarted);
  };
  await drive(harness, batchId, { onTurn });
  const inBetween = await harness.batch(batchId);
  await drive(harness, batchId);
  const [job] = (await simulator.creations()).slice(before);

  expect(heard).toEqual([false, true]);
  expect(inBetween).toMatchObject({ epoch: 1, status: 'in_progress' });
  expect(harness.started).toContainEqual({ batchId, epoch: 1 });
  await expectExactlyOnce(harness, batchId, lines);
  expect((await simulator.creations()).length).toBe(before + 1);
  expect(await hear(job?.providerBatchId ?? '')).toEqual({ restarted: false });
  expect(await hear('arn:aws:bedrock:us-east-1:000000000000:model-invocation-job/somebodys000')).toEqual({
    restarted: false,
  });
  expect((await harness.batch(batchId)).epoch).toBe(1);
});

it.each([
  ['somebody cancels it', {}, 'cancelled'],
  ['its deadline passes', { 'deadline-hours': '0.05' }, 'expired'],
])('stops the job of a batch when %s', async (_why, metadata, status) => {
  simulator.setFaults([{ kind: 'stuck' }]);
  const before = (await simulator.creations()).length;
  const lines = numbered(12, (id) => chatLine(id, id, model));
  const batchId = (await harness.drop(`stopped-${status}.jsonl`, fileOf(lines), metadata)) ?? '';
  let isCancelled = false;
  const onTurn = async () => {
    if (status !== 'cancelled' || isCancelled || (await simulator.creations()).length === before) return;
    isCancelled = true;
    await cancelBatch(harness.services, batchId, AbortSignal.timeout(30_000));
  };
  await drive(harness, batchId, { onTurn });
  simulator.setFaults([]);

  expect(await harness.batch(batchId)).toMatchObject({ status, counts: { total: 12 } });
  await expectExactlyOnce(harness, batchId, lines);
});

it('takes the event as EventBridge sends it', () => {
  const detail = { batchJobArn: 'arn:job', batchJobName: 'name', status: 'Completed', failureMessage: '' };
  const event = { source: 'aws.bedrock', 'detail-type': 'Batch Inference Job State Change', detail };

  expect(sweepSchema.parse(event)).toEqual({ jobArn: 'arn:job', status: 'Completed' });
  expect(sweepSchema.parse({ source: 'aws.events', detail: {} })).toEqual({});
});
