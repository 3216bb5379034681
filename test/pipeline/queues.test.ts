import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { maxEvents, poll } from '../../lib/pipeline/poll.ts';
import { prepare } from '../../lib/pipeline/prepare.ts';
import { leaveGate, ownerOf } from '../../lib/pipeline/provider-gate.ts';
import { drive, functionContext, pass, sweepNow } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce, expectNeverSentTwice, expectNothingOpen } from './invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';

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
    await on.services.gates.takePlace('openai', `batch_${'0'.repeat(32)}/gone/0/0`, 1);
    const lines = numbered(3, (id) => chatLine(id));
    const batchId = await dropped(on, 'stale.jsonl', lines);
    await drive(on, batchId);
    await expectExactlyOnce(on, batchId, lines);
    expect(await on.services.gates.owners('openai')).toEqual([]);
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
    await on.services.gates.takePlace('openai', ownerOf(shard), 1);
    expect(await on.services.gates.takePlace('openai', 'another', 1)).toBe(false);
    expect(await on.services.gates.takePlace('openai', ownerOf(shard), 1)).toBe(true);
    await leaveGate(on.services, shard);
    expect(await on.services.gates.takePlace('openai', 'another', 1)).toBe(true);
  });
});
