import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { eventsPerShard, eventsPerTurn } from '../../lib/pipeline/poll/poll.ts';
import type { Account, Services, StepContext } from '../../lib/pipeline/services.ts';
import type { Turn } from '../../lib/pipeline/step.ts';
import type { ProviderBatch } from '../../lib/providers/contract.ts';
import type { MetricName } from '../../lib/records/metrics.ts';
import { endShard, markSubmitted, type ShardRecord } from '../../lib/records/shard.ts';
import { functionContext, pass, sweepNow } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, fileOf } from './requests.ts';
import { poll, prepare } from './steps.ts';

const functionMs = 120_000;
/** What a look at the provider takes, beside nineteen others. */
const lookMs = 500;
/** Of what a state of the machine may hold; the batch's id and the epoch stand there, too. */
const maxStateBytes = 256 * 1024;

let harness: Harness;
let template: ShardRecord;
const asked = new Map<string, number>();
const metrics: { name: MetricName; value: number }[] = [];

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness({ config: { polling: { minSeconds: 15, maxSeconds: 600 } } });
  harness.services.metrics = { add: (name, value) => metrics.push({ name, value }) };
  const batchId = (await harness.drop('many.jsonl', fileOf([chatLine('one')]))) ?? '';
  await prepare(harness.services, { batchId, epoch: 0 }, functionContext());
  const { rounds } = await harness.batch(batchId);
  const [shard] = await harness.services.records.listShards(batchId, rounds[0]?.token ?? '');
  if (!shard) throw new Error('no shard');
  template = shard;
  asked.clear();
  metrics.length = 0;
});

afterEach(async () => {
  await harness.close();
  vi.useRealTimers();
});

/** Straight into the table: 25 records a call. */
async function write(shards: readonly ShardRecord[]): Promise<void> {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(), {
    marshallOptions: { removeUndefinedValues: true },
  });
  for (let at = 0; at < shards.length; at += 25) {
    const puts = shards.slice(at, at + 25).map((shard) => ({ PutRequest: { Item: { ...shard, ...keyOf(shard) } } }));
    await client.send(new BatchWriteCommand({ RequestItems: { batchdrop: puts } }));
  }
  client.destroy();
}

function keyOf({ batchId, set, shard }: ShardRecord): { pk: string; sk: string } {
  return { pk: `batch#${batchId}`, sk: `shard#${set}#${String(shard).padStart(6, '0')}` };
}

function shardsOf(count: number, make: (shard: ShardRecord) => ShardRecord): ShardRecord[] {
  return Array.from({ length: count }, (_, shard) => make({ ...template, shard }));
}

function running(shard: ShardRecord): ShardRecord {
  const counts = { total: 1, completed: 0, failed: 0 };
  return { ...markSubmitted(shard, `batch_${shard.shard}`, Date.now()), providerStatus: 'in_progress', counts };
}

/** A provider whose batches all run, and that takes its time. */
function slowProvider(): Services {
  const retrieve = async (providerBatchId: string): Promise<ProviderBatch> => {
    asked.set(providerBatchId, (asked.get(providerBatchId) ?? 0) + 1);
    pass(lookMs / 20 / 1_000);
    return {
      providerBatchId,
      phase: 'in_progress',
      status: 'in_progress',
      isKnownStatus: true,
      counts: { total: 1, completed: 0, failed: 0 },
      expectedResults: null,
      resultRefs: [],
      failure: null,
    };
  };
  return { ...harness.services, account: (name) => withRetrieve(name, retrieve) };
}

function withRetrieve(name: string, retrieve: Account['client']['retrieve']): Account {
  const account = harness.services.account(name);
  return { ...account, client: Object.assign(Object.create(account.client), { retrieve }) };
}

function pollContext(): StepContext {
  const endsAt = Date.now() + functionMs;
  return { remainingMs: () => endsAt - Date.now(), signal: new AbortController().signal };
}

async function turnOf(services: Services, events = 0): Promise<Turn> {
  const context = pollContext();
  const turn = await poll(services, { batchId: template.batchId, epoch: 0, events }, context);
  expect(context.remainingMs()).toBeGreaterThan(0);
  expect(Buffer.byteLength(JSON.stringify(turn))).toBeLessThan(maxStateBytes / 100);
  expect(turn.events - events).toBeLessThanOrEqual(eventsPerTurn + 80 * eventsPerShard);
  return turn;
}

it('each of ten thousand shards is looked at once, by polls that follow each other within their time', {
  timeout: 300_000,
}, async () => {
  await write(shardsOf(10_000, running));
  const services = slowProvider();
  let turns = 0;
  let turn: Turn | undefined;
  while (asked.size < 10_000) {
    turns += 1;
    expect(turns).toBeLessThan(10);
    const before = asked.size;
    turn = await turnOf(services, turn?.events);
    expect(asked.size).toBeGreaterThan(before);
    if (asked.size < 10_000) expect(turn.waitSeconds).toBe(1);
  }
  expect(turns).toBeGreaterThan(1);
  expect(new Set(asked.values())).toEqual(new Set([1]));
  expect(turn?.waitSeconds).toBeGreaterThan(10);
  expect((await harness.batch(template.batchId)).looks).toBeNull();
  expect(harness.logs.join('\n')).not.toContain('could not be looked at');
});

it('a run whose time is short from its start gets one look further, however many shards wait elsewhere', async () => {
  const end = { reason: 'completed' as const, code: 'result_missing', message: 'none' };
  const waiting = (shard: ShardRecord) => (shard.shard % 2 === 0 ? shard : endShard(running(shard), end, Date.now()));
  await write(shardsOf(70, (shard) => (shard.shard < 45 ? waiting(shard) : running(shard))));
  const services = slowProvider();
  const shortRun = { remainingMs: () => 10_000, signal: new AbortController().signal };
  for (let turns = 1; asked.size < 25; turns += 1) {
    const before = asked.size;
    await poll(services, { batchId: template.batchId, epoch: 0, events: 0 }, shortRun);
    expect(asked.size, `after ${turns} turns`).toBeGreaterThan(before);
  }
  expect(new Set(asked.values())).toEqual(new Set([1]));
});

it('while shards wait to be sent, turns follow at once and the provider is asked again only when it is time', async () => {
  await write(shardsOf(100, (shard) => (shard.shard < 10 ? running(shard) : shard)));
  const services = slowProvider();
  for (let turns = 0; turns < 3; turns += 1) expect((await turnOf(services)).waitSeconds).toBe(0);
  expect(new Set(asked.values())).toEqual(new Set([1]));
  pass(60);
  await turnOf(services);
  expect(new Set(asked.values())).toEqual(new Set([2]));
});

it('a shard whose looks all fail as nobody foresaw counts as failing until one succeeds', async () => {
  await write(shardsOf(1, running));
  const fail = async () => {
    throw new Error('Nobody foresaw this.');
  };
  const failing: Services = { ...harness.services, account: (name) => withRetrieve(name, fail) };
  for (let looks = 1; looks <= 5; looks += 1) await turnOf(failing);
  pass(60);
  await sweepNow(harness);
  await turnOf(slowProvider());
  await sweepNow(harness);
  expect(values('FailingShards')).toEqual([1, 0]);
});

it('more shards than one turn takes are overdue once nothing moves, and not while others are collected', async () => {
  const end = { reason: 'completed' as const, code: 'result_missing', message: 'none' };
  const ended = shardsOf(60, (shard) => endShard(running(shard), end, Date.now()));
  await write(ended);
  pass(2 * 3_600);
  const [first] = ended;
  if (!first) throw new Error('no shard');
  await write([{ ...first, status: 'collected', collectedAtMs: Date.now() - 60_000 }]);
  await sweepNow(harness);
  pass(3_600);
  await sweepNow(harness);
  expect(values('OverdueShards')).toEqual([0, 59]);
});

function values(name: MetricName): number[] {
  return metrics.filter((metric) => metric.name === name).map(({ value }) => value);
}
