import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { collect } from '../../lib/pipeline/collect/collect.ts';
import { poll } from '../../lib/pipeline/poll/poll.ts';
import { prepare } from '../../lib/pipeline/prepare/prepare.ts';
import type { Account, Services } from '../../lib/pipeline/services.ts';
import { submit } from '../../lib/pipeline/submit/submit.ts';
import { ConfigurationError, ProviderAuthenticationError, TransientError } from '../../lib/records/errors.ts';
import { beginCreating, beginSending, type ShardRecord } from '../../lib/records/shard.ts';
import { cancelBatch } from '../../lib/service/cancel-batch.ts';
import { casesOf } from '../seed.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, fileOf, numbered } from './requests.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness({ config: { polling: { minSeconds: 15, maxSeconds: 600 } } });
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

/** Every call of every provider ends in this error. */
function failingCalls(error: () => Error): Services {
  const fail = async () => {
    throw error();
  };
  const account = (name: string): Account => {
    const known = harness.services.account(name);
    const client = {
      ...known.client,
      upload: fail,
      create: fail,
      retrieve: fail,
      cancel: fail,
      findLost: fail,
      // biome-ignore lint/correctness/useYield: it never gets that far
      async *results() {
        throw error();
      },
    } as unknown as Account['client'];
    return { ...known, client, check: fail };
  };
  return { ...harness.services, account };
}

const failures: [string, () => Services][] = [
  [
    'its account left the configuration',
    () => ({
      ...harness.services,
      account: (name) => {
        throw new ConfigurationError(`There is no provider '${name}'.`);
      },
    }),
  ],
  ['its key is refused', () => failingCalls(() => new ProviderAuthenticationError('The key is refused.'))],
  ['its secret cannot be read', () => failingCalls(() => new ConfigurationError('The secret is empty.'))],
  ['its provider does not answer', () => failingCalls(() => new TransientError('No answer.'))],
  ['its provider answers nonsense', () => failingCalls(() => new TypeError('x is not a function'))],
  [
    'every id that its provider gives belongs to another shard',
    () => {
      const { records } = harness.services;
      const refusing = new Proxy(records, {
        get: (_, name) => {
          const value = Reflect.get(records, name);
          if (name === 'claimProviderBatch') return async () => false;
          return typeof value === 'function' ? value.bind(records) : value;
        },
      });
      return { ...harness.services, records: refusing };
    },
  ],
];

async function shardOf(batchId: string): Promise<ShardRecord> {
  const { id, rounds } = await harness.batch(batchId);
  const [shard] = await harness.services.records.listShards(id, rounds.at(-1)?.token ?? '');
  if (!shard) throw new Error('no shard');
  return shard;
}

async function change(batchId: string, to: (shard: ShardRecord) => ShardRecord): Promise<void> {
  await harness.services.records.updateShard(await shardOf(batchId), to);
}

function begun(shard: ShardRecord): ShardRecord {
  const nowMs = Date.now();
  return beginSending(shard, { token: 'a'.repeat(16), nowMs, leaseUntilMs: nowMs + 60_000 });
}

/** Brings the only shard of a batch into a status. */
const statuses: [string, (batchId: string) => Promise<void>][] = [
  ['pending', async () => undefined],
  ['being uploaded', (batchId) => change(batchId, begun)],
  [
    'being created',
    (batchId) =>
      change(batchId, (shard) => {
        const { intent, ...rest } = begun(shard);
        return intent ? beginCreating({ ...rest, intent }, intent, null, Date.now()) : shard;
      }),
  ],
  [
    'submitted',
    async (batchId) => {
      await submit(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
      expect((await shardOf(batchId)).status).toBe('submitted');
    },
  ],
  ['ended', runToEnd],
  [
    'collected',
    async (batchId) => {
      await runToEnd(batchId);
      await collect(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
      expect((await shardOf(batchId)).status).toBe('collected');
    },
  ],
];

async function runToEnd(batchId: string): Promise<void> {
  await submit(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
  for (let turns = 0; turns < 10 && (await shardOf(batchId)).status === 'submitted'; turns += 1) {
    pass(5);
    await poll(harness.services, { batchId, epoch: 0, events: 0 }, functionContext());
  }
  expect((await shardOf(batchId)).status).toBe('ended');
}

/** Longest that a batch may take after it closed: the half hour for results, and the pauses around it. */
const graceSeconds = 60 * 60;

describe.each(failures.map(([failure, failing], place) => ({ failure, failing, place })))(
  'a batch ends although $failure',
  ({ failing, place }) => {
    const matrix = statuses.flatMap(([status, reach], row) => [
      { status, by: 'its deadline', reach, isCancelled: false, row },
      { status, by: 'a cancellation', reach, isCancelled: true, row },
    ]);
    // Each status meets two of the failures, and each failure two of the statuses.
    const isUsual = ({ row, isCancelled }: (typeof matrix)[number]) =>
      (row + place) % statuses.length === (isCancelled ? 3 : 0);
    it.each(casesOf(matrix, isUsual))('with a shard that is $status, by $by', async ({ reach, isCancelled }) => {
      files += 1;
      const lines = numbered(2, chatLine);
      const hours = isCancelled ? '72' : '0.1';
      const batchId = await harness.drop(`way-out-${files}.jsonl`, fileOf(lines), { 'deadline-hours': hours });
      if (batchId === null) throw new Error('refused');
      await prepare(harness.services, { batchId, epoch: 0 }, functionContext());
      await reach(batchId);
      const services = failing();
      if (isCancelled) await cancelBatch(services, batchId, new AbortController().signal);
      const closesAt = isCancelled ? Date.now() / 1_000 : (await harness.batch(batchId)).deadlineAt;
      await drive(harness, batchId, { services });
      expect(Date.now() / 1_000).toBeLessThan(closesAt + graceSeconds);
      await expectExactlyOnce(harness, batchId, lines);
    });
  },
);
