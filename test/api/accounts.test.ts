import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { drive, functionContext } from '../pipeline/drive.ts';
import { chatLine, fileOf } from '../pipeline/requests.ts';
import { poll, prepare, submit } from '../pipeline/steps.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;
let tenant: Deployment;
let operator: Deployment;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };
  const openai = { kind: 'openai', secret: 'openai', ...quick, concurrency: 1, models: ['own-*'] };
  const limited = { ...openai, limits: { maxEnqueuedTokens: 1_000 }, createsPerHour: 50 };
  const anthropic = { kind: 'anthropic', secret: 'anthropic', ...quick };
  api = await startApi({ providers: { openai: limited, anthropic } });
  const { services } = api.harness;
  const connect = (apiKey: string) => new Deployment({ url: api.url, apiKey, maxRetries: 0 });
  tenant = connect(api.key);
  operator = connect((await createApiKey(services, 'other', 'test', 'operator')).key);
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

it("an account's load is the operator's to see, its name and models everybody's", async () => {
  const { harness } = api;
  const [first, second] = [await dropped('first.jsonl'), await dropped('second.jsonl')];
  expect(await tenant.listAccounts()).toEqual([
    {
      object: 'account',
      id: 'anthropic',
      kind: 'anthropic',
      is_simulated: false,
      is_live: false,
      models: [],
      operator: null,
    },
    {
      object: 'account',
      id: 'openai',
      kind: 'openai',
      is_simulated: false,
      is_live: false,
      models: ['own-*'],
      operator: null,
    },
  ]);
  const [idle, busy] = await operator.listAccounts();
  expect(idle?.operator).toEqual({
    running_batches: 0,
    open_batches: null,
    max_open_batches: null,
    queues: [],
    creates_this_hour: null,
    max_creates_per_hour: null,
    waiting_tenants: 0,
    last_error: null,
  });
  expect(busy?.operator).toEqual({
    running_batches: 2,
    open_batches: 1,
    max_open_batches: 1,
    queues: [{ model: 'gpt-5-mini', tokens: expect.any(Number), batches: 1, max_tokens: 1_000 }],
    creates_this_hour: 1,
    max_creates_per_hour: 50,
    waiting_tenants: 1,
    last_error: {
      message: "Provider 'openai' has its 1 batches open.",
      since: expect.any(Number),
      tries: expect.any(Number),
      tenant: 'default',
      batch_id: second,
    },
  });
  for (const id of [first, second]) await drive(harness, id);
  const [, after] = await operator.listAccounts();
  expect(after?.operator).toMatchObject({ running_batches: 0, open_batches: 0, queues: [], last_error: null });
});

it('unknown parameters are refused', async () => {
  const answer = await api.raw('/v1/accounts?tenant=other');
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { param: 'tenant', code: 'unknown_parameter' } });
});

/** A batch of one request that was offered to its provider. */
async function dropped(name: string): Promise<string> {
  const { services, drop } = api.harness;
  const batchId = (await drop(name, fileOf([chatLine('a')]))) ?? '';
  const step = { batchId, epoch: 0 };
  await prepare(services, step, functionContext());
  const turn = await poll(services, { ...step, events: 0 }, functionContext());
  for (const shard of turn.submit) await submit(services, { ...step, shard }, functionContext());
  await poll(services, { ...step, events: 0 }, functionContext());
  return batchId;
}
