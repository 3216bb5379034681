import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Services } from '../../lib/pipeline/services.ts';
import { resultKey } from '../../lib/records/object-keys.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import { commandIn } from '../cli/command.ts';
import { drive, functionContext, pass } from '../pipeline/drive.ts';
import { chatLine, fileOf, numbered } from '../pipeline/requests.ts';
import { collect, poll, prepare, submit } from '../pipeline/steps.ts';
import { type ApiHarness, startApi } from './api-harness.ts';

let api: ApiHarness;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };
  const openai = { kind: 'openai', secret: 'openai', ...quick, limits: { maxRequests: 1 } };
  api = await startApi({ providers: { openai } });
});

afterAll(async () => {
  await api.close();
  vi.useRealTimers();
});

async function sentInShards(name: string, count: number): Promise<string> {
  const { harness } = api;
  const batchId = (await harness.drop(name, fileOf(numbered(count, chatLine)))) ?? '';
  await prepare(harness.services, { batchId, epoch: 0 }, functionContext());
  const turn = await poll(harness.services, { batchId, epoch: 0, events: 0 }, functionContext());
  for (const shard of turn.submit) await submit(harness.services, { batchId, epoch: 0, shard }, functionContext());
  return batchId;
}

it('a cancellation of many shards at a slow provider is answered soon, and the polls cancel the others', async () => {
  const { harness } = api;
  const asked: string[] = [];
  const slow: Services['account'] = (name) => ({
    ...harness.services.account(name),
    client: {
      cancel: async (id: string) => {
        asked.push(id);
        pass(1);
      },
    } as never,
  });
  const batchId = await sentInShards('slow.jsonl', 30);
  const hurried = await api.served({}, { ...harness.services, account: slow });

  expect((await hurried.batches.cancel(batchId)).status).toBe('cancelling');

  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThan(30);
  await drive(harness, batchId);
  expect(await harness.batch(batchId)).toMatchObject({ status: 'cancelled', counts: { total: 30 } });
});

it('an answer of ten thousand shards is cut to what Lambda can answer, and says how many are left out', async () => {
  const { harness } = api;
  const batchId = await sentInShards('many.jsonl', 2);
  await drive(harness, batchId);
  const key = resultKey(batchId, 'batch.json');
  const summary = JSON.parse((await harness.read(key)) ?? '');
  const { receipt } = summary.batchdrop;
  receipt.provider_batches = Array(10_000).fill(receipt.provider_batches[0]);
  await harness.put(key, JSON.stringify(summary));
  const [shard] = await shardsOf(batchId);
  const records = withShards(Array(10_000).fill({ ...shard, lastError: '語'.repeat(500) }));
  const client = await api.served({}, { ...harness.services, records });

  const answer = await (await client.batches.retrieve(batchId).asResponse()).text();

  expect(Buffer.byteLength(JSON.stringify({ body: answer }))).toBeLessThan(6 * 1024 * 1024);
  const { batchdrop } = JSON.parse(answer);
  expect(batchdrop.shards).toHaveLength(1_000);
  expect(batchdrop).toMatchObject({ shards_omitted: 9_000, receipt: { provider_batches_omitted: 9_000 } });

  const env = { BATCHDROP_URL: client.baseURL.replace(/\/v1$/, ''), BATCHDROP_API_KEY: api.key };
  const explain = (...flags: string[]) => commandIn(tmpdir(), ['explain', batchId, ...flags], { env }).ended;
  expect((await explain()).stdout).toContain('and 9,960 more; --json has the first 1,000');
  expect(JSON.parse((await explain('--json')).stdout)).toMatchObject({ shards_omitted: 9_000 });
});

it('what is answered so far is fetched from all shards, however many there are', async () => {
  const { harness } = api;
  const batchId = await sentInShards('so-far.jsonl', 3);
  pass(3_600);
  const step = { batchId, epoch: 0 };
  const turn = await poll(harness.services, { ...step, events: 0 }, functionContext());
  for (const shard of turn.collect) await collect(harness.services, { ...step, shard }, functionContext());
  const real = await shardsOf(batchId);
  expect(real.map(({ status }) => status)).toEqual(['collected', 'collected', 'collected']);
  const [first, ...others] = real;
  const running = { ...first, status: 'submitted', result: null } as ShardRecord;
  // Two thousand that run stand before and between those that are answered.
  const all = [...Array(1_999).fill(running), ...others, ...Array(10).fill(running)];
  const listed = all.map((shard, number) => ({ ...shard, shard: number }));
  const records = withShards(listed, (number) => listed[number] ?? null);
  const client = await api.served({}, { ...harness.services, records });
  const env = { BATCHDROP_URL: client.baseURL.replace(/\/v1$/, ''), BATCHDROP_API_KEY: api.key };
  const { code, stdout } = await commandIn(tmpdir(), ['results', batchId, '--partial'], { env }).ended;
  expect(code).toBe(0);
  const ids = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).custom_id);
  expect(ids).toEqual(['request-1', 'request-2']);

  const last = await client.get(`/batches/${batchId}?shards_after=0-1999`);
  expect(last).toMatchObject({ batchdrop: { shards_omitted: 0 } });
  expect((last as { batchdrop: { shards: { shard: number }[] } }).batchdrop.shards.map(({ shard }) => shard)).toEqual(
    Array.from({ length: 11 }, (_, index) => 2_000 + index),
  );
  await expect(client.get(`/batches/${batchId}?shards_after=many`)).rejects.toThrow(/name a shard by its round/);
});

async function shardsOf(batchId: string): Promise<ShardRecord[]> {
  const batch = await api.harness.batch(batchId);
  return api.harness.services.records.listShards(batchId, batch.rounds[0]?.token ?? '');
}

/** The records, with other shards. */
function withShards(
  shards: ShardRecord[],
  find: (shard: number) => ShardRecord | null = () => null,
): Services['records'] {
  return new Proxy(api.harness.services.records, {
    get: (records, name) => {
      if (name === 'listAllShards') return async () => shards;
      if (name === 'findShard') return async ({ shard }: { shard: number }) => find(shard);
      const found: unknown = Reflect.get(records, name);
      return typeof found === 'function' ? found.bind(records) : found;
    },
  });
}
