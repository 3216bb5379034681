import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Account, Services } from '../../lib/pipeline/services.ts';
import { reserveCost } from '../../lib/pipeline/shards/cost-budget.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import { noUsage } from '../../lib/records/usage.ts';
import type { Fault } from '../../simulators/simulators.ts';
import { runs, runTimeMs } from '../seed.ts';
import { crashing, crashPoint } from './crashing.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { fileOf } from './requests.ts';
import { poll, prepare, submit } from './steps.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  // A dollar for a token that is written, and nothing for what is read: a shard costs what its only request writes.
  const prices = { 'gpt-4o': { input: 0, output: 1_000_000, batchDiscount: 0 } };
  const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };
  const limits = { maxRequests: 1 };
  harness = await startHarness({
    providers: { openai: { kind: 'openai', secret: 'openai', ...quick, prices, limits } },
  });
});

afterEach(() => {
  harness.simulators.openai.setFaults([]);
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

/** A request that may write so many tokens; the simulator writes all of up to ten, and of many some dozens. */
function priced(id: string, maxTokens: number | null): string {
  const limit = maxTokens === null ? {} : { max_tokens: maxTokens };
  const body = { model: 'gpt-4o', messages: [{ role: 'user', content: `Say ${id}` }], ...limit };
  return JSON.stringify({ custom_id: id, method: 'POST', url: '/v1/chat/completions', body });
}

async function prepared(
  limits: readonly (number | null)[],
  options: Record<string, string> = {},
): Promise<{ batchId: string; lines: string[] }> {
  files += 1;
  const lines = limits.map((limit, place) => priced(`${files}-${place}`, limit));
  const batchId = await harness.drop(`budget-${files}.jsonl`, fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  await prepare(harness.services, { batchId, epoch: 0 }, functionContext());
  return { batchId, lines };
}

/** Validation refuses what may cost more at once. A cap that is lower than all shards together shows up only after it. */
async function lowerCap(batchId: string, usd: number): Promise<void> {
  await harness.services.records.updateBatch(batchId, (batch) => ({
    ...batch,
    options: { ...batch.options, max_cost_usd: usd },
  }));
}

async function errorsOf(batchId: string): Promise<{ code: string; message: string }[]> {
  const { errors } = await harness.results(batchId);
  return errors.map((line) => JSON.parse(line).error);
}

/** Adds up, before each create, what was created and this one: by estimate while it is open, by its bill afterwards. */
function watched(services: Services, batchId: string, capUsd: number, excesses: string[]): Services {
  const dollars = new Map<string, number>();
  const nameOf = ({ round, shard }: Pick<ShardRecord, 'round' | 'shard'>) => `${round}/${shard}`;
  const estimates = new Map<string, number>();
  const records = new Proxy(services.records, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'updateShard') return value.bind(target);
      return async (...given: Parameters<typeof target.updateShard>) => {
        const shard = await target.updateShard(...given);
        if (shard.batchId === batchId) estimates.set(nameOf(shard), shard.estimatedUsd ?? Number.NaN);
        if (shard.batchId === batchId && dollars.has(nameOf(shard)) && shard.result)
          dollars.set(nameOf(shard), shard.result.costUsd ?? Number.NaN);
        return shard;
      };
    },
  });
  const account = (name: string): Account => {
    const known = services.account(name);
    const create: typeof known.client.create = async (sending, ...rest) => {
      const shard = sending.metadata.batchdrop_shard ?? '';
      if (sending.batchId === batchId) {
        dollars.set(shard, estimates.get(shard) ?? Number.NaN);
        const sum = [...dollars.values()].reduce((left, right) => left + right, 0);
        if (!(sum <= capUsd + 1e-9)) excesses.push(`${shard} made it ${sum} of ${capUsd}`);
      }
      return known.client.create(sending, ...rest);
    };
    const client = new Proxy(known.client, {
      get: (target, member) => {
        if (member === 'create') return create;
        const value: unknown = Reflect.get(target, member);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return { ...known, client };
  };
  return { ...services, records, account };
}

const trouble: fc.Arbitrary<Fault> = fc.oneof(
  fc.constant<Fault>({ kind: 'line_errors', fraction: 1, error: 'server_error', when: 'first_submission', times: 3 }),
  fc.constant<Fault>({ kind: 'connection_cut', operation: 'create', when: 'after_effect', times: 1 }),
  fc.constant<Fault>({ kind: 'http_error', operation: 'create', status: 429, times: 2 }),
  fc.constant<Fault>({ kind: 'expired', times: 1 }),
);

describe('a cap', () => {
  it(
    'is never passed, whoever sends at the same time and wherever senders die',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 }),
          fc.double({ min: 0.2, max: 1, noNaN: true }),
          fc.array(crashPoint, { maxLength: 3 }),
          fc.array(crashPoint, { maxLength: 3 }),
          fc.array(trouble, { maxLength: 1 }),
          async (limits, share, points, otherPoints, faults) => {
            harness.simulators.openai.setFaults(faults);
            const { batchId, lines } = await prepared(limits, { 'max-attempts': '2' });
            const total = limits.reduce((sum, limit) => sum + limit, 0);
            const capUsd = Math.max(1, Math.round(total * share));
            await lowerCap(batchId, capUsd);
            const excesses: string[] = [];
            const services = watched(harness.services, batchId, capUsd, excesses);
            const onTurn = (turn: number) => {
              if (turn > 150) pass(3_600);
            };
            await Promise.all([
              drive(harness, batchId, { services: crashing(services, points), onTurn }),
              drive(harness, batchId, { services: crashing(services, otherPoints), onTurn }),
            ]);
            expect(excesses).toEqual([]);
            await expectExactlyOnce(harness, batchId, lines);
            const overCap = (await errorsOf(batchId)).filter(({ code }) => code === 'budget_exceeded');
            if (capUsd >= total && faults.length === 0) expect(overCap).toEqual([]);
          },
        ),
        { numRuns: runs(4), endOnFailure: true },
      );
    },
    runTimeMs(600_000),
  );

  it('of the dollars that validation shows holds the whole batch', async () => {
    const { batchId } = await prepared([3, 5, 7, 9]);
    expect((await harness.batch(batchId)).report?.estimatedCost.usd).toBe(24);
    await lowerCap(batchId, 24);
    await drive(harness, batchId);
    expect(await errorsOf(batchId)).toEqual([]);
  });

  it('stops the shard that would pass it, says by how much, and lets a smaller one through', async () => {
    const { batchId, lines } = await prepared([6, 5, 4]);
    await lowerCap(batchId, 10.5);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect(await errorsOf(batchId)).toEqual([
      expect.objectContaining({
        code: 'budget_exceeded',
        message: expect.stringContaining('$6.00, and $5.00 more would pass max_cost_usd 10.5'),
      }),
    ]);
    expect((await harness.batch(batchId)).cost?.usd).toBe(10);
  });

  it('counts answers as they were billed once they are there, above the estimate or below it', async () => {
    const { batchId } = await prepared([null, null, null], { 'assume-output-tokens': '1' });
    await lowerCap(batchId, 20);
    const { services } = harness;
    const set = (await harness.batch(batchId)).rounds[0]?.token ?? '';
    const sending = { batchId, epoch: 0 };
    const turn = () => poll(services, { ...sending, events: 0 }, functionContext());
    const held = (await turn()).submit;
    expect(held).toEqual([0, 1, 2]);
    await submit(services, { ...sending, shard: 0 }, functionContext());
    expect(await services.budgets.find(batchId)).toMatchObject({ committedUsd: 1 });
    await services.records.updateShard({ batchId, set, shard: 0 }, (shard) => ({
      ...shard,
      status: 'collected',
      result: { ...emptyResult, costUsd: 19.5 },
    }));
    await turn();
    expect(await services.budgets.find(batchId)).toMatchObject({ committedUsd: 19.5, reservations: {} });
    await submit(services, { ...sending, shard: 1 }, functionContext());
    expect(await services.records.getShard({ batchId, set, shard: 1 })).toMatchObject({
      status: 'ended',
      attempts: 0,
      end: { code: 'budget_exceeded' },
    });
    await services.records.updateShard({ batchId, set, shard: 0 }, (shard) => ({
      ...shard,
      result: { ...emptyResult, costUsd: 0.25, failed: 1, lost: 1 },
    }));
    await turn();
    // A lost answer may have been paid for: what was reserved for it counts beside the bill.
    expect(await services.budgets.find(batchId)).toMatchObject({ committedUsd: 1.25 });
    await submit(services, { ...sending, shard: 2 }, functionContext());
    expect((await services.records.getShard({ batchId, set, shard: 2 })).status).toBe('submitted');
  });

  it('holds over rounds: what the first has cost counts in the second', async () => {
    harness.simulators.openai.setFaults([
      { kind: 'line_errors', fraction: 1, error: 'server_error', when: 'first_submission', times: 1 },
    ]);
    const { batchId, lines } = await prepared([8, 7], { 'max-attempts': '2' });
    await lowerCap(batchId, 15);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    // The failed one has cost nothing, and is sent again.
    expect(await errorsOf(batchId)).toEqual([]);
    expect(await harness.services.budgets.find(batchId)).toMatchObject({ round: 1, earlierUsd: 7, committedUsd: 15 });
  });

  it('that is lowered while a batch runs holds for a shard that waits with its reservation', async () => {
    const { batchId } = await prepared([9]);
    const set = (await harness.batch(batchId)).rounds[0]?.token ?? '';
    await harness.services.records.updateShard({ batchId, set, shard: 0 }, (shard) => ({ ...shard, reservedUsd: 9 }));
    await lowerCap(batchId, 8);
    await drive(harness, batchId);
    expect(await errorsOf(batchId)).toEqual([
      expect.objectContaining({ code: 'budget_exceeded', message: expect.stringContaining('committed $0.00') }),
    ]);
  });

  it('is asked by many at once, and gives each shard one reservation', async () => {
    const { batchId } = await prepared([3, 3, 3, 3, 3, 3]);
    await lowerCap(batchId, 10);
    const { services } = harness;
    await poll(services, { batchId, epoch: 0, events: 0 }, functionContext());
    const batch = await harness.batch(batchId);
    const shards = await services.records.listShards(batchId, batch.rounds[0]?.token ?? '');
    const asked = await Promise.all([...shards, ...shards].map((shard) => reserveCost(services, batch, shard)));
    const reserved = asked.map(({ isReserved }) => isReserved);
    expect(reserved.slice(0, 6)).toEqual(reserved.slice(6));
    expect(reserved.filter(Boolean)).toHaveLength(6);
    expect((await services.budgets.find(batchId))?.committedUsd).toBe(9);
  });

  it('waits for Poll to count a round before anything is sent in it', async () => {
    const { batchId } = await prepared([3]);
    await lowerCap(batchId, 10);
    const batch = await harness.batch(batchId);
    const [shard] = await harness.services.records.listShards(batchId, batch.rounds[0]?.token ?? '');
    if (!shard) throw new Error('no shard');
    await expect(reserveCost(harness.services, batch, shard)).rejects.toThrow('not counted for round 0');
  });

  it('costs nothing where there is none', async () => {
    const { batchId } = await prepared([3]);
    await drive(harness, batchId);
    expect(await harness.services.budgets.find(batchId)).toBeNull();
  });
});

const emptyResult: NonNullable<ShardRecord['result']> = {
  outputKey: null,
  errorsKey: null,
  indexKey: 'none',
  outputBytes: 0,
  errorBytes: 0,
  outputSha256: null,
  errorsSha256: null,
  completed: 1,
  failed: 0,
  retryable: 0,
  expired: 0,
  unexecuted: 0,
  doubled: 0,
  malformed: 0,
  foreign: 0,
  missing: 0,
  lost: 0,
  rawKeys: [],
  usage: noUsage,
  sourceSha256: [],
};
