import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collect } from '../../lib/pipeline/collect/collect.ts';
import { poll } from '../../lib/pipeline/poll/poll.ts';
import { prepare } from '../../lib/pipeline/prepare/prepare.ts';
import type { Account, Services } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit/submit.ts';
import { ProviderAuthenticationError } from '../../lib/records/errors.ts';
import type { MetricName } from '../../lib/records/metrics.ts';
import { beginCreating, beginSending, endShard, type ShardRecord } from '../../lib/records/shard.ts';
import { functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';

/** More than one turn takes. */
const shardsInTrouble = 42;

let harness: Harness;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const account = { secret: 'openai', limits: { maxRequests: 1 }, settleSeconds: 5, createTimeoutSeconds: 10 };
  harness = await startHarness({
    providers: {
      openai: { kind: 'openai', ...account },
      anthropic: { kind: 'anthropic', ...account, secret: 'anthropic' },
    },
    config: { polling: { minSeconds: 15, maxSeconds: 600 } },
  });
});

afterEach(async () => {
  await harness.close();
  vi.useRealTimers();
});

interface Troubled {
  services: Services;
  calls: { results: number; findLost: number; refusedKeys: number };
}

/** OpenAI refuses the key of every call that reads. */
function withRefusedKey(): Troubled {
  const calls = { results: 0, findLost: 0, refusedKeys: 0 };
  const refuse = (call: 'results' | 'findLost') => async () => {
    calls[call] += 1;
    throw new ProviderAuthenticationError('The key is refused.');
  };
  const account = (name: string): Account => {
    const known = harness.services.account(name);
    if (name !== 'openai') return known;
    const client = {
      ...known.client,
      retrieve: refuse('results'),
      findLost: refuse('findLost'),
    } as unknown as Account['client'];
    return { ...known, client };
  };
  const add = (name: MetricName, value: number) => {
    if (name === 'RefusedKeys') calls.refusedKeys += value;
  };
  return { services: { ...harness.services, account, metrics: { add } }, calls };
}

async function prepareBatch(): Promise<string> {
  const lines = [...numbered(shardsInTrouble, chatLine), claudeLine('good')];
  const batchId = await harness.drop('turns.jsonl', fileOf(lines));
  if (batchId === null) throw new Error('refused');
  await prepare(harness.services, { batchId, epoch: 0 }, functionContext());
  return batchId;
}

async function shardsOf(batchId: string): Promise<ShardRecord[]> {
  const { rounds } = await harness.batch(batchId);
  return harness.services.records.listShards(batchId, rounds.at(-1)?.token ?? '');
}

async function goodShard(batchId: string): Promise<ShardRecord> {
  const good = (await shardsOf(batchId)).find(({ provider }) => provider === 'anthropic');
  if (!good) throw new Error('no shard');
  return good;
}

/** The machine without its retries. @returns the seconds that were waited. */
async function turn(services: Services, batchId: string): Promise<number> {
  const step = { batchId, epoch: 0 };
  const next = await poll(services, { ...step, events: 0 }, functionContext());
  for (const shard of next.submit) await submit(services, { ...step, shard }, functionContext());
  for (const shard of next.collect) await collect(services, { ...step, shard }, functionContext());
  pass(next.waitSeconds);
  return next.waitSeconds;
}

async function waitFor(seconds: number, run: () => Promise<number>): Promise<void> {
  for (let waited = 0; waited < seconds; ) waited += await run();
}

describe('shards in trouble', () => {
  it('whose results cannot be read keep no other waiting, and their calls become few', {
    timeout: 300_000,
  }, async () => {
    const batchId = await prepareBatch();
    const end = { reason: 'completed' as const, code: 'result_missing', message: 'none' };
    for (const shard of await shardsOf(batchId))
      await harness.services.records.updateShard(shard, (current) =>
        endShard({ ...current, providerBatchId: `batch_${current.shard}` }, end, Date.now()),
      );
    const anthropic = await goodShard(batchId);
    await harness.services.records.updateShard(anthropic, (current) => ({ ...current, providerBatchId: null }));
    const { services, calls } = withRefusedKey();
    for (let turns = 0; turns < 2; turns += 1) await turn(services, batchId);
    expect((await goodShard(batchId)).status).toBe('collected');
    await waitFor(900, () => turn(services, batchId));
    expect(calls.results).toBeLessThan(shardsInTrouble * 10);
    expect(calls.refusedKeys).toBe(calls.results);
    const troubled = (await shardsOf(batchId)).filter(({ provider }) => provider === 'openai');
    expect(troubled.every(({ lastError }) => lastError?.includes('The key is refused.'))).toBe(true);
  });

  it('whose create is looked for keep no other waiting, and their calls become few', { timeout: 300_000 }, async () => {
    const batchId = await prepareBatch();
    for (const shard of await shardsOf(batchId)) {
      if (shard.provider !== 'openai') continue;
      await harness.services.records.updateShard(shard, (current) => {
        const nowMs = Date.now();
        const { intent, ...rest } = beginSending(current, { token: 'a'.repeat(16), nowMs, leaseUntilMs: nowMs });
        return intent ? beginCreating({ ...rest, intent }, intent, null, nowMs) : current;
      });
    }
    const { services, calls } = withRefusedKey();
    for (let turns = 0; turns < 2; turns += 1) await turn(services, batchId);
    expect((await goodShard(batchId)).status).toBe('submitted');
    await waitFor(900, () => turn(services, batchId));
    expect(calls.findLost).toBeGreaterThan(shardsInTrouble);
    expect(calls.findLost).toBeLessThan(shardsInTrouble * 10);
    expect(calls.refusedKeys).toBe(calls.findLost);
    const troubled = (await shardsOf(batchId)).filter(({ provider }) => provider === 'openai');
    expect(troubled.every(({ lastError }) => lastError?.includes('The key is refused.'))).toBe(true);
  });
});
