import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ShardRecord } from '../../lib/records/shard.ts';
import { drive } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, fileOf } from './requests.ts';
import { prepare } from './steps.ts';

let harness: Harness;

beforeAll(async () => {
  const account = { kind: 'live', api: 'openai', models: ['*'], baseUrl: 'http://127.0.0.1:9/v1', secret: 'key' };
  harness = await startHarness({
    providers: { openai: { ...account, maxConcurrency: 1_000, requestTimeoutSeconds: 60 } },
  });
});

afterAll(() => harness.close());

async function shardOf(batchId: string): Promise<ShardRecord> {
  const set = (await harness.batch(batchId)).rounds.at(-1)?.token ?? '';
  return harness.services.records.getShard({ batchId, set, shard: 0 });
}

describe('a thousand slow calls at a time', () => {
  const lineCount = 4_000;
  const delayMs = 1_000;

  /** @returns the process, and the most memory it has had so far. */
  function startSlice(batchId: string): { child: ChildProcess; peak: () => number } {
    const child = fork('test/pipeline/live-process.ts', [batchId], { env: process.env, execArgv: [] });
    let peak = 0;
    child.on('message', ({ rss }: { rss: number }) => {
      peak = Math.max(peak, rss);
    });
    return { child, peak: () => peak };
  }

  it('stay flat in memory, and a kill repeats no more than a thousand', async () => {
    harness.simulators.openai.setFaults([{ kind: 'slow_answer', operation: 'live', delayMs }]);
    const lines = Array.from({ length: lineCount }, (_, place) => chatLine(`line-${place}`));
    const batchId = (await harness.drop('live.jsonl', fileOf(lines))) ?? '';
    const context = { remainingMs: () => 900_000, signal: new AbortController().signal };
    await prepare(harness.services, { batchId, epoch: 0 }, context);

    const first = startSlice(batchId);
    const answeredSoFar = async () => (await shardOf(batchId)).live?.answered ?? 0;
    await vi.waitUntil(async () => (await answeredSoFar()) > 1_000, { timeout: 60_000, interval: 100 });
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    const kept = await answeredSoFar();
    await harness.services.records.updateShard(await shardOf(batchId), (shard) => ({
      ...shard,
      live: shard.live && { ...shard.live, lease: null },
    }));
    const second = startSlice(batchId);
    await once(second.child, 'exit');
    await drive(harness, batchId);

    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts.completed).toBe(lineCount);
    expect(kept).toBeLessThan(lineCount);
    const repeated = harness.simulators.openai.liveCalls().length - lineCount;
    expect(repeated).toBeGreaterThan(0);
    expect(repeated).toBeLessThanOrEqual(1_000);
    // A slow machine does not begin a thousand before the first one is answered.
    expect(mostAtATime()).toBeGreaterThan(500);
    // Node with the SDKs alone has about 150 MB.
    for (const { peak } of [first, second]) expect(peak() / 2 ** 20).toBeLessThan(400);
  }, 120_000);

  /** Calls whose delays overlapped, at most. */
  function mostAtATime(): number {
    const arrivals = harness.simulators.openai
      .liveCalls()
      .map(({ arrivedAtMs }) => arrivedAtMs)
      .toSorted((a, b) => a - b);
    let oldest = 0;
    return arrivals.reduce((most, arrivedAtMs, place) => {
      while ((arrivals[oldest] ?? 0) <= arrivedAtMs - delayMs) oldest += 1;
      return Math.max(most, place - oldest + 1);
    }, 0);
  }
});
