import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { maxEvents } from '../../lib/pipeline/poll/poll.ts';
import { ownerOf, releaseSemaphores } from '../../lib/pipeline/shards/provider-semaphores.ts';
import { drive, functionContext, pass, sweepNow } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';
import { poll, prepare } from './steps.ts';

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

const quick = { settleSeconds: 5, createTimeoutSeconds: 10 };

async function startWith(openai: object): Promise<Harness> {
  const anthropic = { kind: 'anthropic', secret: 'anthropic', ...quick };
  harness = await startHarness({
    providers: { openai: { kind: 'openai', secret: 'openai', ...quick, ...openai }, anthropic },
  });
  return harness;
}

async function dropped(
  on: Harness,
  name: string,
  lines: readonly string[],
  options: Record<string, string> = {},
): Promise<string> {
  const batchId = await on.drop(name, fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  return batchId;
}

describe('a file over the limits of one provider batch', () => {
  it('runs as many and comes back as one, in its order', async () => {
    const on = await startWith({ limits: { maxRequests: 7 } });
    const lines = numbered(100, (id) => (Number(id.split('-')[1]) % 5 === 0 ? claudeLine(id) : chatLine(id)));
    const batchId = await dropped(on, 'large.jsonl', lines);
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
    await expectNeverSentTwice(on, batchId);
    expect(await on.simulators.openai.creations()).toHaveLength(12);
    expect(await on.simulators.anthropic.creations()).toHaveLength(1);
  });

  it('of more than forty shards is sent over several turns', async () => {
    const on = await startWith({ limits: { maxRequests: 1 } });
    const lines = numbered(50, (id) => chatLine(id));
    const batchId = await dropped(on, 'many shards.jsonl', lines);
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
  });

  it('keeps within bytes too', async () => {
    const on = await startWith({ limits: { maxBytes: 2_000 } });
    const lines = numbered(60, (id) => chatLine(id, 'x'.repeat(200)));
    const batchId = await dropped(on, 'bytes.jsonl', lines);
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
    for (const file of await on.sentToOpenAI()) expect(Buffer.byteLength(file)).toBeLessThanOrEqual(2_000);
  });
});

describe('a batch that waits', () => {
  it('says why and since when, in its record and its status file, until it gets on', async () => {
    const on = await startWith({});
    on.simulators.openai.setFaults([{ kind: 'token_limit', how: 'failed_batch' }]);
    const batchId = await dropped(on, 'waits.jsonl', [chatLine('a')]);
    const begunAtMs = Date.now();
    const seen: unknown[] = [];
    await drive(on, batchId, {
      onTurn: async (turn) => {
        if (turn < 10) return;
        const { waiting } = await on.batch(batchId);
        seen.push({ waiting, status: await on.status('waits.jsonl') });
        if (turn === 14) on.simulators.openai.setFaults([]);
      },
    });
    for (const at of [0, 1, 2, 3])
      expect(seen[at]).toMatchObject({
        waiting: { provider: 'openai', reason: expect.stringMatching(/token/i) },
        status: { status: 'in_progress', waiting: { reason: expect.stringMatching(/token/i) } },
      });
    const { waiting } = seen[3] as { waiting: { sinceMs: number; tries: number } };
    expect(waiting.tries).toBeGreaterThan(1);
    expect(waiting.sinceMs).toBeGreaterThanOrEqual(begunAtMs);
    expect(Date.now() - waiting.sinceMs).toBeGreaterThan(5_000);
    expect(await on.status('waits.jsonl')).toMatchObject({ status: 'completed', waiting: null });
  });
});

describe('an account with places for two batches', () => {
  it('never has three open, whichever batches of ours they are', async () => {
    const on = await startWith({ limits: { maxRequests: 5 }, concurrency: 2 });
    const first = numbered(25, (id) => chatLine(`a-${id}`));
    const second = numbered(15, (id) => chatLine(`b-${id}`));
    const ids = [await dropped(on, 'a.jsonl', first), await dropped(on, 'b.jsonl', second)];
    let most = 0;
    const onTurn = async () => {
      most = Math.max(most, (await on.simulators.openai.openBatches()).length);
    };
    await Promise.all(ids.map((id) => drive(on, id, { onTurn, maxTurns: 2_000 })));
    await expectExactlyOnce(on, ids[0] ?? '', first);
    await expectExactlyOnce(on, ids[1] ?? '', second);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('takes back the place of a function that died', async () => {
    const on = await startWith({ concurrency: 1 });
    await on.services.semaphores.acquireSlot('openai', `batch_${'0'.repeat(32)}/gone/0/0`, 1);
    const lines = numbered(3, (id) => chatLine(id));
    const batchId = await dropped(on, 'stale.jsonl', lines);
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
    expect(await on.services.semaphores.slotHolders('openai')).toEqual([]);
  });
});

describe('an account with a limit of enqueued tokens', () => {
  const maxEnqueuedTokens = 300;
  const tokensOf = (lineIds: readonly string[], byId: ReadonlyMap<string, number>) =>
    lineIds.reduce((sum, id) => sum + (byId.get(id) ?? Number.NaN), 0);

  /** Tokens of the batches open at the simulator, by model, each line as the provider got it. */
  async function enqueued(on: Harness): Promise<Map<string, { tokens: number; lines: number }>> {
    // Before the files: other batches go on meanwhile, and each file stands before its creation.
    const open = (await on.simulators.openai.creations()).filter((one) => one.endedAtMs === null);
    const sent = new Map<string, { tokens: number; model: string }>();
    for (const file of await on.sentToOpenAI())
      for (const line of file.split('\n').filter((text) => text !== ''))
        sent.set(JSON.parse(line).custom_id, {
          tokens: Math.ceil(line.length / 4),
          model: JSON.parse(line).body.model,
        });
    const byId = new Map([...sent].map(([id, { tokens }]) => [id, tokens]));
    const sums = new Map<string, { tokens: number; lines: number }>();
    for (const { requestIds } of open) {
      const model = sent.get(requestIds[0] ?? '')?.model ?? '';
      const { tokens, lines } = sums.get(model) ?? { tokens: 0, lines: 0 };
      sums.set(model, { tokens: tokens + tokensOf(requestIds, byId), lines: lines + requestIds.length });
    }
    return sums;
  }

  it('never has more of a model waiting, whichever batches of ours they are; each model has its own', async () => {
    const on = await startWith({ limits: { maxEnqueuedTokens } });
    const gone = `batch_${'0'.repeat(32)}/gone/0/0`;
    await on.services.semaphores.acquireTokens(
      { provider: 'openai', model: 'gpt-5-mini' },
      gone,
      290,
      maxEnqueuedTokens,
    );
    const huge = chatLine('huge', 'x'.repeat(4 * maxEnqueuedTokens));
    const first = [...numbered(12, (id) => chatLine(`a-${id}`)), huge, ...numbered(4, (id) => chatLine(`c-${id}`))];
    const second = numbered(16, (id) => chatLine(`b-${id}`, id, Number(id.split('-')[1]) % 2 ? 'gpt-5' : 'gpt-5-mini'));
    const ids = [await dropped(on, 'a.jsonl', first), await dropped(on, 'b.jsonl', second)];
    const most = new Map<string, number>();
    const onTurn = async () => {
      for (const [model, { tokens, lines }] of await enqueued(on))
        if (lines > 1 || tokens <= maxEnqueuedTokens) most.set(model, Math.max(most.get(model) ?? 0, tokens));
    };
    await Promise.all(ids.map((id) => drive(on, id, { onTurn, maxTurns: 3_000 })));
    await expectExactlyOnce(on, ids[0] ?? '', first);
    await expectExactlyOnce(on, ids[1] ?? '', second);
    expect([...most.keys()].toSorted()).toEqual(['gpt-5', 'gpt-5-mini']);
    for (const tokens of most.values()) expect(tokens).toBeLessThanOrEqual(maxEnqueuedTokens);
    for (const model of most.keys())
      expect(await on.services.semaphores.tokenHolders({ provider: 'openai', model })).toEqual(new Map());
  });

  it('counts a shard once, however often it asks, and gives back what it counted', async () => {
    const { semaphores } = (await startWith({})).services;
    const queue = { provider: 'openai', model: 'm' };
    const asked = await Promise.all(
      ['a', 'b', 'c', 'a', 'b', 'c'].map(async (owner) => ({
        owner,
        isTaken: await semaphores.acquireTokens(queue, owner, 40, 100),
      })),
    );
    const holders = await semaphores.tokenHolders(queue);
    expect(holders.size).toBe(2);
    for (const { owner, isTaken } of asked) expect(isTaken).toBe(holders.has(owner));
    for (const owner of ['a', 'b', 'c', 'a', 'b', 'c']) await semaphores.releaseTokens(queue, owner, 40);
    expect(await semaphores.acquireTokens(queue, 'huge', 1_000, 100)).toBe(true);
    expect(await semaphores.acquireTokens(queue, 'd', 1, 100)).toBe(false);
  });
});

describe('an account with three creates an hour', () => {
  it('creates no more, and goes on in the next hour', async () => {
    const on = await startWith({ limits: { maxRequests: 5 }, createsPerHour: 3 });
    const lines = numbered(40, (id) => chatLine(id));
    const batchId = await dropped(on, 'hourly.jsonl', lines);
    await drive(on, batchId, { maxTurns: 5_000 });
    await expectExactlyOnce(on, batchId, lines);
    const hours = Object.groupBy(await on.simulators.openai.creations(), ({ createdAtMs }) =>
      String(Math.floor(createdAtMs / 3_600_000)),
    );
    for (const creations of Object.values(hours)) expect(creations?.length).toBeLessThanOrEqual(3);
  });
});

describe('an execution', () => {
  it('near the history limit hands over to the next, which finishes', async () => {
    const on = await startWith({});
    const lines = numbered(5, (id) => chatLine(id));
    const batchId = await dropped(on, 'long.jsonl', lines);
    await prepare(on.services, { batchId, epoch: 0 }, functionContext());
    const turn = await poll(on.services, { batchId, epoch: 0, events: maxEvents }, functionContext());
    expect(turn).toMatchObject({ continue: true, submit: [], collect: [] });
    expect(on.started.at(-1)).toEqual({ batchId, epoch: 1 });
    await expect(poll(on.services, { batchId, epoch: 0, events: 0 }, functionContext())).rejects.toThrow(
      'superseded by epoch 1',
    );
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
  });

  it('that died is brought back by the sweep, once', async () => {
    const on = await startWith({});
    const lines = numbered(5, (id) => chatLine(id));
    const batchId = await dropped(on, 'dead.jsonl', lines);
    on.running.clear();
    await sweepNow(on);
    await sweepNow(on);
    expect(on.started.filter((one) => one.batchId === batchId)).toEqual([
      { batchId, epoch: 0 },
      { batchId, epoch: 1 },
    ]);
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
    pass(3_600);
    await sweepNow(on);
    expect(on.started.at(-1)).toEqual({ batchId, epoch: 1 });
    await expectNothingOpen(on);
  });
});

describe('a place', () => {
  it('is given back by name', async () => {
    const on = await startWith({ concurrency: 1 });
    const lines = numbered(1, (id) => chatLine(id));
    const batchId = await dropped(on, 'one.jsonl', lines);
    await prepare(on.services, { batchId, epoch: 0 }, functionContext());
    const set = (await on.batch(batchId)).rounds[0]?.token ?? '';
    const shard = await on.services.records.getShard({ batchId, set, shard: 0 });
    await on.services.semaphores.acquireSlot('openai', ownerOf(shard), 1);
    expect(await on.services.semaphores.acquireSlot('openai', 'another', 1)).toBe(false);
    expect(await on.services.semaphores.acquireSlot('openai', ownerOf(shard), 1)).toBe(true);
    await releaseSemaphores(on.services, shard);
    expect(await on.services.semaphores.acquireSlot('openai', 'another', 1)).toBe(true);
  });
});
