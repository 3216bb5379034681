import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StepContext } from '../../lib/pipeline/services.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import { type Fault, type LiveSimulator, startSimulator } from '../../simulators/simulators.ts';
import { drive, functionContext } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, nativeLine } from './requests.ts';
import { cancelBatch, poll, prepare, submit } from './steps.ts';

let harness: Harness;

afterEach(async () => {
  vi.useRealTimers();
  await harness.close();
});

const reachedByEnvironment = { baseUrl: 'http://127.0.0.1:9/v1', secret: 'key', requestTimeoutSeconds: 10 };

function liveEndpoint(settings: object = {}) {
  return { kind: 'live', api: 'openai', models: ['*'], ...reachedByEnvironment, ...settings };
}

async function startLive(settings: object = {}, config: object = {}): Promise<Harness> {
  harness = await startHarness({ providers: { openai: liveEndpoint(settings) }, config });
  return harness;
}

async function dropped(lines: readonly string[], options: Record<string, string> = {}): Promise<string> {
  const batchId = await harness.drop('live.jsonl', `${lines.join('\n')}\n`, options);
  if (!batchId) throw new Error('not accepted');
  return batchId;
}

function numbered(count: number, text = (id: string) => `Say ${id}`): string[] {
  return Array.from({ length: count }, (_, place) => chatLine(`line-${place}`, text(`line-${place}`)));
}

function strike(...faults: Fault[]): void {
  harness.simulators.openai.setFaults(faults);
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** How often each request reached the endpoint. */
function timesCalled(simulator: LiveSimulator = harness.simulators.openai): number[] {
  return [...Map.groupBy(simulator.liveCalls(), ({ body }) => body).values()].map((calls) => calls.length);
}

async function prepareAll(batchId: string): Promise<void> {
  // In one run: each run of Prepare ends its shards.
  const context = { remainingMs: () => 900_000, signal: new AbortController().signal };
  await prepare(harness.services, { batchId, epoch: 0 }, context);
}

async function shardOf(batchId: string): Promise<ShardRecord> {
  const set = (await harness.batch(batchId)).rounds.at(-1)?.token ?? '';
  return harness.services.records.getShard({ batchId, set, shard: 0 });
}

async function errorsById(batchId: string): Promise<Record<string, { code: string; attempts: number }>> {
  const { errors } = await harness.results(batchId);
  return Object.fromEntries(errors.map((line) => [JSON.parse(line).custom_id, JSON.parse(line).error]));
}

describe('a live endpoint', () => {
  it('answers every line once, in input order, each by one call', async () => {
    await startLive();
    const lines = numbered(200);
    const batchId = await dropped(lines);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts).toEqual({ total: 200, completed: 200, failed: 0 });
    expect((await harness.batch(batchId)).usage?.total_tokens).toBeGreaterThan(0);
    expect(timesCalled()).toEqual(lines.map(() => 1));
    expect(await harness.simulators.openai.creations()).toEqual([]);
  });

  it("speaks Anthropic's API, for lines of both forms", async () => {
    harness = await startHarness({ providers: { anthropic: liveEndpoint({ api: 'anthropic' }) } });
    for (const [name, make] of [
      ['chat', (id: string) => chatLine(id, 'Hello', 'claude-sonnet-4-5')],
      ['native', nativeLine],
    ] as const) {
      const lines = ['a', 'b', 'c'].map((id) => make(id));
      const batchId = await harness.drop(`${name}.jsonl`, lines.join('\n'));
      await drive(harness, batchId ?? '');
      await expectExactlyOnce(harness, batchId ?? '', lines);
      expect((await harness.batch(batchId ?? '')).counts.completed).toBe(3);
    }
  });

  it("takes lines in Anthropic's own form to an endpoint that speaks OpenAI's API", async () => {
    await startLive();
    const lines = ['a', 'b'].map((id) => nativeLine(id));
    const batchId = await dropped(lines);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts.completed).toBe(2);
    expect(new Set(harness.simulators.openai.liveCalls().map(({ path }) => path))).toEqual(
      new Set(['/v1/chat/completions']),
    );
  });

  it('tells the outcomes of lines apart, and counts their tries', async () => {
    await startLive({}, { defaults: { max_attempts: 1 } });
    const texts = { fine: 'Hello', refused: '[[refuse]]', broken: '[[server-error]]', declined: '[[decline]]' };
    const lines = Object.entries(texts).map(([id, text]) => chatLine(id, text));
    strike({ kind: 'http_error', operation: 'live', status: 500, times: 1, match: { text: 'Hello' } });
    const onlyRefused = lines.slice(0, 2);
    const batchId = await dropped(onlyRefused);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, onlyRefused);
    expect(await errorsById(batchId)).toMatchObject({ refused: { code: expect.any(String), attempts: 1 } });
    expect(timesCalled().toSorted()).toEqual([1, 2]);
  });

  it('tries again what was cut, garbled, too slow, or refused for a while', async () => {
    await startLive({ requestTimeoutSeconds: 0.5 });
    const lines = ['cut', 'garbled', 'slow', 'busy', 'fine'].map((id) => chatLine(id, `text of ${id}`));
    strike(
      { kind: 'connection_cut', operation: 'live', when: 'after_effect', times: 1, match: { text: 'text of cut' } },
      { kind: 'garbled_answer', times: 1, match: { text: 'text of garbled' } },
      { kind: 'slow_answer', operation: 'live', delayMs: 2_000, times: 1, match: { text: 'text of slow' } },
      {
        kind: 'http_error',
        operation: 'live',
        status: 429,
        retryAfterSeconds: 1,
        times: 1,
        match: { text: 'of busy' },
      },
    );
    const batchId = await dropped(lines);
    const startedAt = performance.now();
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts.completed).toBe(5);
    expect(timesCalled().toSorted()).toEqual([1, 2, 2, 2, 2]);
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
  });

  it('sends less where it is too much, and still answers all', async () => {
    await startLive({ maxConcurrency: 50 });
    strike({ kind: 'rate_limit', requests: 20, windowMs: 500 });
    const lines = numbered(120);
    const batchId = await dropped(lines);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts.completed).toBe(120);
  });

  it('keeps its budget of requests, wherever a minute begins', async () => {
    await startLive({ requestsPerMinute: 1_200 });
    const lines = numbered(45);
    const batchId = await dropped(lines);
    const startedAt = performance.now();
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect(performance.now() - startedAt).toBeGreaterThan(2_000);
  });

  it('answers what it may where one request is forbidden, and says so of that one', async () => {
    await startLive({ maxConcurrency: 4 });
    strike({ kind: 'http_error', operation: 'live', status: 403, match: { text: 'Say line-1 now' } });
    const lines = numbered(30, (id) => `Say ${id} now`);
    const batchId = await dropped(lines, { 'max-attempts': '1' });
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts).toEqual({ total: 30, completed: 29, failed: 1 });
    const { errors } = await harness.results(batchId);
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({ custom_id: 'line-1', response: { status_code: 403 } });
  }, 60_000);

  it('that forbids every request is waited for, says why, and ends at the deadline with every line answered for', async () => {
    await startLive({ maxConcurrency: 4 });
    strike({ kind: 'http_error', operation: 'live', status: 403 });
    const lines = numbered(6);
    const batchId = await dropped(lines, { 'deadline-hours': '1' });
    await prepareAll(batchId);
    await poll(harness.services, { batchId, epoch: 0, events: 0 }, functionContext());
    await submit(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
    const shard = await shardOf(batchId);
    expect(shard).toMatchObject({ status: 'submitted', deferrals: 1, live: { lease: null, answered: 0 } });
    expect(shard.lastError).toContain('403');
    expect(shard.notBeforeMs).toBeGreaterThan(Date.now());
    await harness.services.records.updateBatch(batchId, (batch) => ({ ...batch, deadlineAt: batch.createdAt }));
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).status).toBe('expired');
    expect((await errorsById(batchId))['line-0']?.code).toBe('batch_expired');
  }, 60_000);

  it('is asked again soon where it answered some requests before it would not', async () => {
    await startLive();
    const refuse = (those: string) =>
      strike({ kind: 'http_error', operation: 'live', status: 429, match: { text: those } });
    const batchId = await dropped(numbered(30));
    const send = () => submit(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
    refuse('Say');
    await prepareAll(batchId);
    await poll(harness.services, { batchId, epoch: 0, events: 0 }, functionContext());
    await send();
    const earlier = { deferrals: 6, notBeforeMs: 0 };
    await harness.services.records.updateShard(await shardOf(batchId), (shard) => ({ ...shard, ...earlier }));
    refuse('Say line-2');
    await send();
    expect((await shardOf(batchId)).deferrals).toBe(1);
    await cancelBatch(harness.services, batchId, new AbortController().signal);
  }, 60_000);

  it('is waited for while nobody answers, and no function runs meanwhile', async () => {
    const baseUrl = `http://127.0.0.1:${await closedPort()}/v1`;
    harness = await startHarness({ providers: { elsewhere: liveEndpoint({ secret: undefined, baseUrl }) } });
    const lines = numbered(3);
    const batchId = await dropped(lines);
    await prepareAll(batchId);
    await poll(harness.services, { batchId, epoch: 0, events: 0 }, functionContext());
    await submit(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
    const shard = await shardOf(batchId);
    expect(shard).toMatchObject({ status: 'submitted', live: { lease: null, answered: 0 } });
    expect(shard.notBeforeMs).toBeGreaterThan(Date.now());
    expect(shard.lastError).toContain('ECONNREFUSED');
    await cancelBatch(harness.services, batchId, new AbortController().signal);
  }, 60_000);
});

describe('a slice', () => {
  const step = (batchId: string) => ({ batchId, epoch: 0 });

  async function prepared(count: number): Promise<string> {
    const batchId = await dropped(numbered(count));
    await prepareAll(batchId);
    return batchId;
  }

  const shortContext = (milliseconds: number): StepContext => {
    const endsAt = performance.now() + milliseconds;
    return { remainingMs: () => endsAt - performance.now(), signal: new AbortController().signal };
  };

  it('that ends is followed by one that sends only what is left', async () => {
    await startLive({ maxConcurrency: 4, requestTimeoutSeconds: 1 });
    strike({ kind: 'slow_answer', operation: 'live', delayMs: 100 });
    const batchId = await prepared(60);
    // 20 s are for recording, 1 s for the last call: calls begin for 500 ms.
    await submit(harness.services, { ...step(batchId), shard: 0 }, shortContext(21_500));
    const first = await shardOf(batchId);
    expect(first.live?.answered).toBeGreaterThan(0);
    expect(first.live?.answered).toBeLessThan(60);
    expect(first.live?.lease).toBeNull();
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, numbered(60));
    expect(timesCalled()).toEqual(Array.from({ length: 60 }, () => 1));
  });

  it('that was killed leaves what it recorded; the next one repeats at most the calls under way', async () => {
    await startLive({ maxConcurrency: 8, requestTimeoutSeconds: 1 });
    strike({ kind: 'slow_answer', operation: 'live', delayMs: 60 });
    const batchId = await prepared(100);
    const killed = new AbortController();
    const dying = submit(
      harness.services,
      { ...step(batchId), shard: 0 },
      { remainingMs: () => 60_000, signal: killed.signal },
    );
    await vi.waitUntil(async () => ((await shardOf(batchId)).live?.answered ?? 0) > 20, { timeout: 60_000 });
    killed.abort();
    await dying.catch(() => undefined);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, numbered(100));
    const repeated = timesCalled().filter((times) => times > 1);
    expect(repeated.length).toBeLessThanOrEqual(8);
  });

  it('that lost its lease commits nothing more, and its late answers do no harm', async () => {
    await startLive({ maxConcurrency: 4, requestTimeoutSeconds: 5 });
    strike({ kind: 'slow_answer', operation: 'live', delayMs: 300 });
    const batchId = await prepared(20);
    const zombie = submit(harness.services, { ...step(batchId), shard: 0 }, functionContext());
    await vi.waitUntil(() => harness.simulators.openai.liveCalls().length > 0, { timeout: 60_000 });
    const shard = await shardOf(batchId);
    await harness.services.records.updateShard(shard, (current) => ({
      ...current,
      live: current.live && { ...current.live, lease: null },
    }));
    const heir = submit(harness.services, { ...step(batchId), shard: 0 }, functionContext());
    await Promise.all([zombie, heir]);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, numbered(20));
    expect((await harness.batch(batchId)).counts.completed).toBe(20);
  });

  it('does not run twice at a time', async () => {
    await startLive();
    strike({ kind: 'slow_answer', operation: 'live', delayMs: 200 });
    const batchId = await prepared(10);
    const run = () => submit(harness.services, { ...step(batchId), shard: 0 }, functionContext());
    await Promise.all([run(), run(), run()]);
    expect(timesCalled()).toEqual(Array.from({ length: 10 }, () => 1));
  });

  it('of an execution that was replaced does not run', async () => {
    await startLive();
    const batchId = await prepared(3);
    await harness.services.records.updateBatch(batchId, (batch) => ({ ...batch, epoch: 1 }));
    await expect(submit(harness.services, { ...step(batchId), shard: 0 }, functionContext())).rejects.toThrow(
      'superseded',
    );
    expect(harness.simulators.openai.liveCalls()).toEqual([]);
  });

  it('waits for the place of another batch', async () => {
    await startLive();
    const batchId = await prepared(3);
    await harness.services.semaphores.acquireSlot('openai#live', 'somebody', 1);
    const isOpen = vi.spyOn(harness.services.semaphores, 'slotHolders').mockResolvedValue([]);
    await submit(harness.services, { ...step(batchId), shard: 0 }, functionContext());
    isOpen.mockRestore();
    expect((await shardOf(batchId)).lastError).toContain('busy with other batches');
    expect(harness.simulators.openai.liveCalls()).toEqual([]);
    await drive(harness, batchId); // the place of a stranger is taken back
    await expectExactlyOnce(harness, batchId, numbered(3));
  });
});

describe('a batch that closes', () => {
  async function halfDone(batchId: string): Promise<void> {
    await prepareAll(batchId);
    strike({ kind: 'slow_answer', operation: 'live', delayMs: 60_000, match: { text: 'never' } });
  }

  it('by cancellation keeps what was answered', async () => {
    await startLive({ maxConcurrency: 20, requestTimeoutSeconds: 20 });
    const lines = [...numbered(10), chatLine('hangs', 'never')];
    const batchId = await dropped(lines);
    await halfDone(batchId);
    const slice = submit(harness.services, { batchId, epoch: 0, shard: 0 }, functionContext());
    await vi.waitUntil(async () => (await shardOf(batchId)).live?.answered === 10, { timeout: 60_000 });
    await cancelBatch(harness.services, batchId, new AbortController().signal);
    await slice;
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).status).toBe('cancelled');
    expect(await errorsById(batchId)).toMatchObject({ hangs: { code: 'batch_cancelled' } });
  }, 60_000);

  it('at its deadline keeps what was answered', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    await startLive(
      { maxConcurrency: 1, requestTimeoutSeconds: 2 },
      { defaults: { max_attempts: 1, deadline_hours: 1 } },
    );
    const lines = numbered(40);
    const batchId = await dropped(lines);
    await prepareAll(batchId);
    strike({ kind: 'slow_answer', operation: 'live', delayMs: 100 });
    const endsAt = performance.now() + 22_200;
    await submit(
      harness.services,
      { batchId, epoch: 0, shard: 0 },
      { remainingMs: () => endsAt - performance.now(), signal: new AbortController().signal },
    );
    const { live } = await shardOf(batchId);
    vi.setSystemTime(Date.now() + 3_700_000);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    const batch = await harness.batch(batchId);
    expect(batch.counts.completed).toBe(live?.answered);
    expect(batch.status).toBe('expired');
  });
});

describe('a provider with a minimum', () => {
  it('runs what is too small for a batch by live calls', async () => {
    const openai = {
      kind: 'openai',
      secret: 'x',
      settleSeconds: 5,
      createTimeoutSeconds: 10,
      limits: { minRequests: 10, maxRequests: 15 },
    };
    harness = await startHarness({ providers: { openai } });
    const lines = numbered(20);
    const batchId = await dropped(lines);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.batch(batchId)).counts.completed).toBe(20);
    expect((await harness.simulators.openai.creations()).map(({ requestIds }) => requestIds.length)).toEqual([15]);
    expect(timesCalled()).toHaveLength(5);
  });
});

it('few lines are answered by live calls at every provider that has them, in their own forms', async () => {
  const models = { gemini: 'gemini-2.5-flash', vertex: 'vertex/gemini-2.5-flash', mistral: 'mistral-small-latest' };
  const place = { project: 'our-project', location: 'us-central1', bucket: 'our-bucket' };
  const dataDir = mkdtempSync(join(tmpdir(), 'live-'));
  const simulators = await Promise.all(
    (['gemini', 'vertex', 'mistral'] as const).map(async (kind) => ({
      kind,
      simulator: await startSimulator[kind]({ dataDir, apiKey: 'right-key' }),
    })),
  );
  onTestFinished(async () => {
    await Promise.all(simulators.map(({ simulator }) => simulator.close()));
    rmSync(dataDir, { recursive: true, force: true });
  });
  const accounts = simulators.map(({ kind, simulator: { url: baseUrl } }) => {
    const account = { kind, secret: kind, baseUrl, limits: { minRequests: 10 } };
    return [kind, kind === 'vertex' ? { ...account, ...place } : account];
  });
  harness = await startHarness({ providers: Object.fromEntries(accounts) });
  const lines = Object.entries(models).flatMap(([kind, model]) => [
    chatLine(`chat ${kind}`, 'Hello', model),
    nativeLine(`native ${kind}`).replace(/"model":"[^"]*"/, `"model":"${model}"`),
    chatLine(`refused ${kind}`, '[[refuse]]', model),
  ]);
  const batchId = await dropped(lines);

  await drive(harness, batchId);

  await expectExactlyOnce(harness, batchId, lines);
  expect((await harness.batch(batchId)).counts).toEqual({ total: 9, completed: 6, failed: 3 });
  for (const { simulator } of simulators) expect(await simulator.creations()).toEqual([]);
  const { output } = await harness.results(batchId);
  expect(output.map((line) => JSON.parse(line))).toMatchObject(
    Object.keys(models).flatMap((kind) => [
      { custom_id: `chat ${kind}`, response: { body: { object: 'chat.completion' } } },
      { custom_id: `native ${kind}`, result: { type: 'succeeded', message: { type: 'message' } } },
    ]),
  );
});

describe('the estimate of a provider with a minimum', () => {
  it('has the full price of what is too small for a batch, so that a limit on the cost holds', async () => {
    const account = { kind: 'openai', secret: 'x', settleSeconds: 5, createTimeoutSeconds: 10 };
    const limits = { minRequests: 21 };
    harness = await startHarness({ providers: { openai: account, small: { ...account, limits } } });
    const estimateOf = async (lines: string[]) => {
      const batchId = await dropped(lines);
      await prepareAll(batchId);
      return (await harness.batch(batchId)).report?.estimatedCost.usd ?? 0;
    };
    const lines = numbered(20);
    const half = await estimateOf(lines);
    expect(half).toBeGreaterThan(0);
    expect(await estimateOf(lines.map((line) => line.replace('"model":"', '"model":"small/')))).toBeCloseTo(
      2 * half,
      4,
    );
  });
});
