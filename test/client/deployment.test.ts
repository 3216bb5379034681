import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import {
  AuthenticationError,
  BatchFailedError,
  batchResults,
  ConflictError,
  cancelBatch,
  createBatch,
  estimateBatch,
  listBatches,
  NotFoundError,
  retrieveBatch,
  runBatch,
  waitForBatch,
} from '../../lib/client/index.ts';
import { batching, closeBatching } from '../../lib/live/index.ts';
import { chatRequest, collect, models, thrownBy } from './provider-at-hand.ts';

const root = join(import.meta.dirname, '../..');
const soon = { pollIntervalSeconds: 0.2 };
let folder: string;
let stack: ChildProcess;
let at: { deployment: string; apiKey: string };

/** A whole local stack with simulated providers, in a process of its own. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'library-stack-'));
  const readyFile = join(folder, 'ready.json');
  const { OPENAI_API_KEY: _openai, ANTHROPIC_API_KEY: _anthropic, ...env } = process.env;
  const options = ['--port', '0', '--s3-port', '0', '--ready-file', readyFile];
  stack = spawn(process.execPath, [join(root, 'cli/main.ts'), 'start', ...options], {
    cwd: folder,
    env,
    stdio: 'ignore',
  });
  while (!existsSync(readyFile)) {
    if (stack.exitCode !== null) throw new Error(`the stack ended with ${stack.exitCode}`);
    await sleep(20);
  }
  const { apiUrl, apiKey } = JSON.parse(readFileSync(readyFile, 'utf8'));
  at = { deployment: apiUrl, apiKey };
});

afterAll(async () => {
  const ended = new Promise((resolve) => stack.once('close', resolve));
  stack.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

it('creates, waits, lists and gives the results, whatever the models', async () => {
  const input = [
    chatRequest('openai', 'an odd id ✓', 'Hello'),
    chatRequest('anthropic', 'other', 'Hello'),
    chatRequest('openai', 'wrong', '[[refuse]]'),
  ];

  const created = await createBatch({
    ...at,
    input,
    metadata: { team: 'search' },
    providerOptions: { max_attempts: 1 },
  });
  const ended = await waitForBatch({ ...at, ...soon, batchId: created.id });
  const results = await collect(batchResults({ ...at, batchId: created.id, endpoint: '/v1/chat/completions' }));
  const { data } = await listBatches({ ...at, limit: 100 });

  expect(created).toMatchObject({ status: 'validating', metadata: { team: 'search' }, warnings: [] });
  expect(ended).toMatchObject({ status: 'completed', request_counts: { total: 3, completed: 2, failed: 1 } });
  expect(ended).toMatchObject({ batchdrop: { options: { max_attempts: 1 } } });
  expect(results.map(({ customId, succeeded }) => [customId, succeeded])).toEqual([
    ['an odd id ✓', true],
    ['other', true],
    ['wrong', false],
  ]);
  expect(results[2]?.error).toMatchObject({ statusCode: 400, isRetryable: false });
  expect(data.map((batch) => batch.id)).toContain(created.id);
});

it('sends a large input in parts', async () => {
  function* requests() {
    for (let index = 0; index < 60; index += 1)
      yield chatRequest('openai', `r${index}`, `${index} ${'x'.repeat(200_000)}`);
  }

  const { id } = await createBatch({ ...at, input: requests() });
  const ended = await waitForBatch({ ...at, ...soon, batchId: id });

  expect(ended.errors).toBeNull();
  expect(ended.request_counts).toEqual({ total: 60, completed: 60, failed: 0 });
});

it('runs requests in their order', async () => {
  const requests = ['one', '[[refuse]]', 'three'].map((content) => ({
    messages: [{ role: 'user' as const, content }],
  }));

  const results = await runBatch(`anthropic/${models.anthropic}`, requests, {
    ...at,
    ...soon,
    defaults: { max_tokens: 20 },
  });

  expect(results.map(({ index, succeeded }) => [index, succeeded])).toEqual([
    [0, true],
    [1, false],
    [2, true],
  ]);
});

it('reads answers in Anthropic’s own form', async () => {
  const params = { model: models.anthropic, max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] };
  const broken = { ...params, messages: [{ role: 'user', content: '[[refuse]]' }] };
  const input = [
    { custom_id: 'a', params },
    { custom_id: 'b', params: broken },
  ];

  const { id, endpoint } = await createBatch({ ...at, input });
  await waitForBatch({ ...at, ...soon, batchId: id });
  const results = await collect(batchResults({ ...at, batchId: id, endpoint: '/v1/messages' }));

  expect(endpoint).toBe('/v1/messages');
  expect(results).toMatchObject([
    { customId: 'a', succeeded: true, response: { type: 'message' } },
    { customId: 'b', succeeded: false, error: { code: 'invalid_request_error' } },
  ]);
});

it('says which lines validation refused', async () => {
  const requests = [{ messages: [] }, { stream: true }];

  const error = await thrownBy(runBatch('gpt-4o-mini', requests as never, { ...at, ...soon }));

  expect(error).toBeInstanceOf(BatchFailedError);
  expect(error).toMatchObject({ batch: { errors: { data: [{ line: 2, code: 'streaming_unsupported' }] } } });
});

it('finds a batch whose creation was not answered, and creates it once', async () => {
  const lossy: typeof fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (init?.method === 'POST' && String(url).endsWith('/batches')) throw new TypeError('terminated');
    return response;
  };
  const before = (await listBatches({ ...at, limit: 100 })).data.length;

  const created = await createBatch({
    ...at,
    input: [chatRequest('openai', 'a', 'Hello')],
    clientOptions: { fetch: lossy },
    settleSeconds: 5,
  });

  const { data } = await listBatches({ ...at, limit: 100 });
  expect(data.length).toBe(before + 1);
  expect(data.map((batch) => batch.id)).toContain(created.id);
});

it('cancels, and knows keys and ids that are wrong', async () => {
  const { id } = await createBatch({ ...at, input: [chatRequest('openai', 'a', 'Hello')] });

  await cancelBatch({ ...at, batchId: id });
  const ended = await waitForBatch({ ...at, ...soon, batchId: id });
  const again = await cancelBatch({ ...at, batchId: id });

  expect(['cancelled', 'completed']).toContain(ended.status);
  expect(again.status).toBe(ended.status);
  await expect(listBatches({ ...at, apiKey: 'bd-wrong' })).rejects.toThrow(AuthenticationError);
  await expect(retrieveBatch({ ...at, batchId: 'batch_none' })).rejects.toThrow(NotFoundError);
});

it('the same idempotency key and requests are the same batch, though they are sent again; others are a conflict at once', async () => {
  const input = ['a', 'b'].map((id) => chatRequest('openai', id, 'Hello'));
  const create = (more: object = {}) => createBatch({ ...at, input, idempotencyKey: 'once', ...more });

  const [first, again] = [await create(), await create()];
  const conflict = await thrownBy(create({ input: input.slice(1) }));
  const run = () =>
    runBatch('gpt-4o-mini', [{ messages: [{ role: 'user', content: 'Hello' }] }], {
      ...at,
      ...soon,
      idempotencyKey: 'run once',
    });
  const [one, other] = [await run(), await run()];

  expect(again.id).toBe(first.id);
  expect(conflict).toBeInstanceOf(ConflictError);
  expect((conflict as Error).message).toContain(first.id);
  expect(other).toEqual(one);
});

it('estimates without sending, and refuses options that a deployment does not have', async () => {
  const input = [chatRequest('openai', 'a', 'Hello'), chatRequest('anthropic', 'b', 'Hello')];

  const estimate = await estimateBatch({ ...at, input });
  const wrong = await thrownBy(estimateBatch({ ...at, input: [{ custom_id: 'a', body: { model: 'mystery-1' } }] }));
  const unread = await thrownBy(createBatch({ ...at, input, providerOptions: { max_cost: 1 } }));

  expect(estimate).toMatchObject({
    requests: 2,
    warnings: 0,
    unpriced: [],
    isOutputBound: true,
    simulated: ['openai', 'anthropic'],
  });
  expect(estimate.estimatedUsd).toBeGreaterThan(0);
  expect(wrong).toMatchObject({ name: 'InvalidInputError', code: 'model_not_found', errors: [{ line: 1 }] });
  expect(unread).toMatchObject({ name: 'InvalidInputError', param: 'providerOptions.max_cost' });
  expect((unread as Error).message).toContain("Did you mean 'max_cost_usd'?");
});

it('errors name the deployment that was asked', async () => {
  const missing = await thrownBy(cancelBatch({ ...at, batchId: 'batch_00' }));
  const refused = await thrownBy(listBatches({ ...at, apiKey: 'bd-wrong' }));

  for (const error of [missing, refused]) {
    expect((error as Error).message).toContain(at.deployment);
    expect((error as Error).message).not.toMatch(/OpenAI|\.\./);
  }
});

it('is what the example for deployments uses', async () => {
  const env = { ...process.env, BATCHDROP_URL: at.deployment, BATCHDROP_API_KEY: at.apiKey };
  const command = ['--conditions=batchdrop-source', 'examples/deployment.ts'];

  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root, env });

  expect(stdout).toMatch(/^completed \{ total: 7/);
});

it('answers live calls that batching() gathers, whatever the provider', async () => {
  onTestFinished(closeBatching);
  const gathered = { run: 'gathered', journal: join(folder, 'gathered'), gatherSeconds: 0.2, pollIntervalSeconds: 0.2 };
  const client = new OpenAI(batching({ ...at, ...gathered, clientOptions: { fetch: losingFirstCreation() } }));
  const ask = (model: string, content: string) =>
    client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
  const [openai, claude, unknown, refused] = await Promise.allSettled([
    ask(models.openai, 'Hello'),
    ask(models.anthropic, 'Hello'),
    ask('no-such-model', 'Hello'),
    ask(models.openai, '[[refuse]]'),
  ]);

  expect(openai).toMatchObject({ status: 'fulfilled', value: { object: 'chat.completion' } });
  expect(claude).toMatchObject({ status: 'fulfilled', value: { object: 'chat.completion' } });
  expect(unknown).toMatchObject({ status: 'rejected', reason: { status: 404, code: 'model_not_found' } });
  expect(refused).toMatchObject({ status: 'rejected', reason: { status: 400 } });
  const { data } = await listBatches({ ...at, limit: 100 });
  expect(data.filter(({ metadata }) => metadata?.live_run === 'gathered')).toHaveLength(1);
});

/** A connection on which the answers to the first creation, and to its repetitions by the client, are lost. */
function losingFirstCreation(): typeof fetch {
  let left = 3;
  return async (input, init) => {
    const response = await fetch(input, init);
    const isCreation = init?.method === 'POST' && String(input).endsWith('/v1/batches');
    if (!isCreation || left === 0) return response;
    left -= 1;
    await response.arrayBuffer();
    throw new TypeError('terminated');
  };
}
