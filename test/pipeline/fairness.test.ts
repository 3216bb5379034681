import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import { seedOfTest } from '../seed.ts';
import { drive, functionContext, pass } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, fileOf, numbered } from './requests.ts';
import { cancelBatch, collect, finalize, poll, prepare, submit } from './steps.ts';

let harness: Harness | undefined;

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
});

afterEach(async () => {
  await harness?.close();
});

afterAll(() => {
  vi.useRealTimers();
});

const tenants = ['red', 'green', 'blue'];
const longestPauseSeconds = 3_600;

async function startWith(account: object): Promise<Harness> {
  const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };
  harness = await startHarness({
    providers: { openai: { kind: 'openai', secret: 'openai', ...quick, ...account } },
    // Whoever asks once in a while keeps its turn.
    config: { tenants, polling: { minSeconds: 1, maxSeconds: longestPauseSeconds } },
  });
  return harness;
}

interface Running {
  tenant: string;
  batchId: string;
  lines: string[];
  isDone: boolean;
}

async function dropped(
  on: Harness,
  tenant: string,
  shards: number,
  options: Record<string, string> = {},
): Promise<Running> {
  const lines = numbered(shards, (id) => chatLine(`${tenant}-${id}`));
  const batchId = await on.drop(`${tenant}/${shards}-${options.priority ?? 'normal'}.jsonl`, fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  await prepare(on.services, { batchId, epoch: 0 }, functionContext());
  return { tenant, batchId, lines, isDone: false };
}

/** What happened at the account, in its order. */
type Happening = { tenant: string; what: 'starts' | 'is refused' };

/** One turn of a batch; its shards one after the other. */
async function turn(on: Harness, running: Running, happened: Happening[]): Promise<void> {
  const { batchId, tenant } = running;
  const step = { batchId, epoch: 0 };
  const decided = await poll(on.services, { ...step, events: 0 }, functionContext());
  for (const shard of decided.submit) {
    const { status } = await submit(on.services, { ...step, shard }, functionContext());
    happened.push({ tenant, what: status === 'submitted' ? 'starts' : 'is refused' });
  }
  for (const shard of decided.collect) await collect(on.services, { ...step, shard }, functionContext());
  if (!decided.finished) return;
  while (!(await finalize(on.services, step, functionContext())).done);
  running.isDone = true;
}

/**
 * Drives batches by turns in a random order, in which the first has most of them, and each has one within `longestPauseSeconds` as
 * its state machine gives it: a tenant that asks less often has no claim to a place.
 */
async function runTogether(
  on: Harness,
  batches: Running[],
  random: SeededRandom,
  pauseSeconds: number,
): Promise<Happening[]> {
  const happened: Happening[] = [];
  const startedAt = Date.now();
  const lastTurns = new Map<Running, number>();
  for (let turns = 0; batches.some(({ isDone }) => !isDone); turns += 1) {
    if (turns > 2_000) throw new Error(`did not end: ${on.logs.slice(-5).join('\n')}`);
    const open = batches.filter(({ isDone }) => !isDone);
    const isDue = (one: Running) => Date.now() - (lastTurns.get(one) ?? startedAt) > longestPauseSeconds * 1_000;
    // The first asks most often.
    const next = open.find(isDue) ?? open[random.below(3) === 0 ? random.below(open.length) : 0];
    if (next) {
      await turn(on, next, happened);
      lastTurns.set(next, Date.now());
    }
    pass(pauseSeconds + random.below(pauseSeconds));
  }
  return happened;
}

/** For each wait of a tenant, how often each other tenant started in it at most. */
function mostStartsInWaits(happened: readonly Happening[]): number {
  const waits = new Map<string, Map<string, number>>();
  let most = 0;
  for (const { tenant, what } of happened) {
    if (what === 'is refused') {
      if (!waits.has(tenant)) waits.set(tenant, new Map());
      continue;
    }
    waits.delete(tenant);
    for (const starts of waits.values()) {
      const count = (starts.get(tenant) ?? 0) + 1;
      starts.set(tenant, count);
      most = Math.max(most, count);
    }
  }
  return most;
}

describe('tenants that share an account', () => {
  it.each([
    ['places for two batches', { concurrency: 2 }, 20],
    ['room for few tokens', { limits: { maxRequests: 1, maxEnqueuedTokens: 80 } }, 20],
    ['few creates an hour', { createsPerHour: 2 }, 400],
  ])(
    'with %s take turns, whatever their priority',
    async (_name, account, pauseSeconds) => {
      const on = await startWith({ limits: { maxRequests: 1 }, ...account });
      const batches = [
        await dropped(on, 'red', 5, { priority: 'high' }),
        await dropped(on, 'green', 2, { priority: 'low' }),
        await dropped(on, 'blue', 1),
      ];
      const happened = await runTogether(on, batches, new SeededRandom(seedOfTest()), pauseSeconds);
      expect(happened.filter(({ what }) => what === 'is refused').length).toBeGreaterThan(0);
      expect(mostStartsInWaits(happened)).toBeLessThanOrEqual(1);
      for (const { batchId, lines } of batches) await expectExactlyOnce(on, batchId, lines);
    },
    300_000,
  );

  it('keep their turn for a place where the queue of a model has none for them', async () => {
    const on = await startWith({ limits: { maxRequests: 1, maxEnqueuedTokens: 1_000_000 }, concurrency: 1 });
    const green = await dropped(on, 'green', 1);
    const red = await dropped(on, 'red', 1);
    const blue = await dropped(on, 'blue', 1);
    for (const running of [green, red, blue]) await turn(on, running, []);
    const waiting = async () => (await on.services.waitingLists.find('openai')).tenants;
    const before = await waiting();
    expect(before).toMatchObject({ red: { startedAt: null }, blue: { startedAt: null } });
    while (!green.isDone) {
      pass(60);
      await turn(on, green, []);
    }
    // Others came first at the queue, between the look at it and the start.
    const { waitingLists } = on.services;
    const start = waitingLists.start.bind(waitingLists);
    vi.spyOn(waitingLists, 'start').mockImplementation((name, ...of) =>
      name === 'openai' ? start(name, ...of) : Promise.resolve(null),
    );
    const happened: Happening[] = [];
    await turn(on, red, happened);
    vi.restoreAllMocks();
    expect(happened).toEqual([{ tenant: 'red', what: 'is refused' }]);
    expect((await waiting()).red?.waitsSince).toBe(before.red?.waitsSince);
    expect((await waiting()).red?.startedAt).toBeNull();
    expect(await on.services.semaphores.slotHolders('openai')).toEqual([]);
  });

  it('do not wait for one whose batch was cancelled', async () => {
    const on = await startWith({ limits: { maxRequests: 1 }, concurrency: 1 });
    const red = await dropped(on, 'red', 3);
    const green = await dropped(on, 'green', 1);
    await turn(on, red, []);
    await turn(on, green, []);
    const { tenants: waiting } = await on.services.waitingLists.find('openai');
    expect(waiting.green?.waitsSince).not.toBeNull();
    await cancelBatch(on.services, green.batchId, new AbortController().signal);
    await drive(on, red.batchId);
    await expectExactlyOnce(on, red.batchId, red.lines);
  });

  it('within one tenant, priority decides who asks again sooner', async () => {
    const on = await startWith({ limits: { maxRequests: 1 }, concurrency: 1 });
    const first = await dropped(on, 'red', 1);
    const low = await dropped(on, 'red', 2, { priority: 'low' });
    const high = await dropped(on, 'red', 2, { priority: 'high' });
    for (const batch of [first, low, high]) await turn(on, batch, []);
    const notBefore = async ({ batchId }: Running) => {
      const set = (await on.batch(batchId)).rounds[0]?.token ?? '';
      const { notBeforeMs } = await on.services.records.getShard({ batchId, set, shard: 0 });
      return notBeforeMs - Date.now();
    };
    expect(await notBefore(high)).toBeLessThan(await notBefore(low));
  });

  it('write nothing where nobody waits', async () => {
    const on = await startWith({ limits: { maxRequests: 1 } });
    const red = await dropped(on, 'red', 2);
    await drive(on, red.batchId);
    expect(await on.services.waitingLists.find('openai')).toEqual({ version: 0, tenants: {} });
  });
});

it('of many shards of a tenant that start at the same time while another waits, one does', async () => {
  const on = await startWith({});
  const { waitingLists } = on.services;
  const refusal = { tenant: 'green', owner: 'b/set/0/0', nowMs: Date.now(), asksAgainByMs: Date.now() + 600_000 };
  await waitingLists.refuse('openai', refusal);
  const asked = await Promise.all(Array.from({ length: 6 }, () => waitingLists.start('openai', 'red', Date.now())));
  expect(asked.filter(Boolean)).toHaveLength(1);
  expect(await waitingLists.start('openai', 'green', Date.now())).not.toBeNull();
  expect(await waitingLists.start('openai', 'red', Date.now())).not.toBeNull();
});
