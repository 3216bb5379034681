import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Services, StepContext } from '../../lib/pipeline/services.ts';
import { resultKey } from '../../lib/records/object-keys.ts';
import { retryBatch } from '../../lib/service/retry-batch.ts';
import type { Objects } from '../../lib/store/objects.ts';
import type { Fault } from '../../simulators/simulators.ts';
import { runs, runTimeMs } from '../seed.ts';
import { crashing, crashPoint } from './crashing.ts';
import { drive, functionContext, pass, shortTime, shortTimes, sweepNow } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';
import { collect, finalize, poll, prepare, submit } from './steps.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const quick = { settleSeconds: 5, createTimeoutSeconds: 10, limits: { maxRequests: 3 } };
  harness = await startHarness({
    providers: {
      openai: { kind: 'openai', secret: 'openai', ...quick },
      anthropic: { kind: 'anthropic', secret: 'anthropic', ...quick },
    },
  });
});

beforeEach(() => {
  setFaults([]);
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

function setFaults(faults: Fault[]): void {
  harness.simulators.openai.setFaults(faults);
  harness.simulators.anthropic.setFaults(faults);
}

async function dropped(lines: readonly string[], options: Record<string, string> = {}): Promise<string> {
  files += 1;
  const batchId = await harness.drop(nameOf(files), fileOf(lines), options);
  if (batchId === null) throw new Error('refused');
  return batchId;
}

function nameOf(file: number): string {
  return `finalize-${file}.jsonl`;
}

/** The same services with another way to read objects. */
function reading(stream: Objects['stream'], services = harness.services): Services {
  const objects = new Proxy(services.objects, {
    get: (target, name) => {
      const value: unknown = name === 'stream' ? stream : Reflect.get(target, name);
      return typeof value === 'function' && name !== 'stream' ? value.bind(target) : value;
    },
  });
  return { ...services, objects };
}

/** Objects come in small chunks, so that a small shard takes many. */
function inChunks(services: Services, chunkBytes: number): Services {
  const { objects } = services;
  return reading(async function* (...of) {
    for await (const chunk of objects.stream(...of))
      for (let at = 0; at < chunk.length; at += chunkBytes) yield chunk.subarray(at, at + chunkBytes);
  }, services);
}

/** Five minutes pass whenever lines are opened. */
function slowLines(): Services {
  const { objects } = harness.services;
  return reading(async function* (object, start) {
    if (object.key.endsWith('/lines.jsonl')) pass(300);
    yield* objects.stream(object, start);
  });
}

/** Reading the lines of the input fails. */
function withoutLines(error: Error): Services {
  const { objects } = harness.services;
  return reading(async function* (object, start) {
    if (object.key.endsWith('/lines.jsonl')) throw error;
    yield* objects.stream(object, start);
  });
}

function withMinutes(minutes: number): StepContext {
  const endsAt = Date.now() + minutes * 60_000;
  return { remainingMs: () => endsAt - Date.now(), signal: new AbortController().signal };
}

/** Runs a batch until all of its shards are collected. */
async function collected(batchId: string): Promise<{ batchId: string; epoch: number }> {
  const step = { batchId, epoch: 0 };
  await prepare(harness.services, step, withMinutes(15));
  for (;;) {
    const turn = await poll(harness.services, { ...step, events: 0 }, functionContext());
    if (turn.finished) return step;
    for (const shard of turn.submit) await submit(harness.services, { ...step, shard }, functionContext());
    for (const shard of turn.collect) await collect(harness.services, { ...step, shard }, functionContext());
    pass(turn.waitSeconds);
  }
}

/** All that may not depend on how many runs it took; ids are the batch's own. */
async function outcomeOf(batchId: string) {
  const { output, errors, retry } = await harness.results(batchId);
  const { status, counts, retryFile } = await harness.batch(batchId);
  const summary = JSON.parse((await harness.read(resultKey(batchId, 'batch.json'))) ?? '');
  const { bytes, sha256 } = summary.batchdrop.receipt.retry ?? { bytes: 0, sha256: null };
  return {
    ...{ status, counts, retryFile, retry, retryBytes: bytes, hasSum: sha256 !== null },
    output: output.map((line) => JSON.parse(line).custom_id),
    errors: errors.map((line) => ({ ...JSON.parse(line), id: null, response: null })),
  };
}

const kinds: ((id: string) => string)[] = [
  chatLine,
  claudeLine,
  (id) => chatLine(id, 'x'.repeat(300)),
  (id) => chatLine(id, '[[refuse]]'),
  (id) => claudeLine(id, '[[refuse]]'),
  (id) => chatLine(id, `[[server-error]] ${'y'.repeat(200)}`),
  (id) => claudeLine(id, '[[overloaded]]'),
];

describe('a batch for which one run of Finalize has too little time', () => {
  it(
    'comes to the same as in one go, wherever runs end or die',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 9 }),
          fc.integer({ min: 150, max: 500 }),
          fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
          fc.array(crashPoint, { maxLength: 3 }),
          async (made, chunkBytes, looks, points) => {
            const lines = made.map((line, place) => line(`id-${place}`));
            const options = { 'max-attempts': '2' };
            const inOneGo = await dropped(lines, options);
            await drive(harness, inOneGo, { context: () => withMinutes(15) });
            const bitByBit = await dropped(lines, options);
            const services = inChunks(crashing(harness.services, points), chunkBytes);
            await drive(harness, bitByBit, { services, context: shortTimes(looks), maxTurns: 2_000 });
            expect(await outcomeOf(bitByBit)).toEqual(await outcomeOf(inOneGo));
            await expectExactlyOnce(harness, bitByBit, lines);
          },
        ),
        { numRuns: runs(5) },
      );
    },
    runTimeMs(300_000),
  );

  it('writes the retry file within its time, however long S3 takes', async () => {
    const lines = numbered(18, (id) => chatLine(id, Number(id.slice(8)) % 3 === 0 ? '[[refuse]]' : 'hello'));
    const batchId = await dropped(lines);
    const step = await collected(batchId);
    const services = slowLines();
    let answer = { done: false, nextRound: false };
    for (let run = 0; !answer.done; run += 1) {
      expect(run).toBeLessThan(6);
      const context = withMinutes(15);
      answer = await finalize(services, step, context);
      expect(context.remainingMs()).toBeGreaterThan(0);
    }
    await expectExactlyOnce(harness, batchId, lines);
  });

  it('opens the next round within its time, however long S3 takes', async () => {
    const lines = numbered(18, chatLine);
    setFaults([{ kind: 'partial', fraction: 0.5, times: 6 }]);
    const batchId = await dropped(lines);
    const step = await collected(batchId);
    const services = slowLines();
    let answer = { done: false, nextRound: false };
    for (let run = 0; !answer.nextRound; run += 1) {
      expect(run).toBeLessThan(6);
      const context = withMinutes(15);
      answer = await finalize(services, step, context);
      expect(context.remainingMs()).toBeGreaterThan(0);
    }
    expect((await harness.batch(batchId)).rounds).toHaveLength(2);
    await drive(harness, batchId);
    await expectExactlyOnce(harness, batchId, lines);
    expect((await harness.results(batchId)).errors).toEqual([]);
  });

  it('merges in stretches once a run that was to merge all had too little time', async () => {
    const lines = numbered(9, (id) => chatLine(id, id.endsWith('4') ? '[[refuse]]' : 'hello'));
    const batchId = await dropped(lines);
    const step = await collected(batchId);
    const slow = () => {
      let remainingMs = 900_000;
      return {
        remainingMs: () => {
          remainingMs -= 200_000;
          return remainingMs + 200_000;
        },
        signal: new AbortController().signal,
      };
    };
    let endings = 0;
    for (let answer = { done: false }; !answer.done; endings += 1) {
      expect(endings).toBeLessThan(20);
      answer = await finalize(harness.services, step, slow());
    }
    expect(endings).toBeGreaterThan(2);
    await expectExactlyOnce(harness, batchId, lines);
  });

  it('is gone on with by one of two runs at once', async () => {
    const lines = numbered(12, (id) => chatLine(id, '[[refuse]]'));
    const batchId = await dropped(lines);
    const step = await collected(batchId);
    const run = () => finalize(harness.services, step, shortTime(3));
    for (let answers = [{ done: false }]; !answers.every(({ done }) => done); )
      answers = await Promise.all([run(), run(), run()]);
    await expectExactlyOnce(harness, batchId, lines);
  });
});

describe('the retry file', () => {
  const halfRefused = () => numbered(6, (id) => chatLine(id, Number(id.slice(8)) % 2 === 0 ? '[[refuse]]' : 'hello'));

  it('is not waited for: a batch whose retry file cannot be written has its end and its results', async () => {
    const lines = halfRefused();
    const batchId = await dropped(lines);
    const step = await collected(batchId);
    const broken = withoutLines(new Error('S3 is away.'));
    await finalizeUntil(broken, step, 'S3 is away.');

    expect(await harness.batch(batchId)).toMatchObject({ status: 'completed', retryFile: 'pending' });
    expect(await harness.status(nameOf(files))).toMatchObject({ status: 'completed', retry: null });
    expect((await harness.status(nameOf(files))).errors).toContain('errors.jsonl');
    expect((await harness.results(batchId)).output).toHaveLength(3);
    expect(harness.events.filter(({ detail }) => detail.id.startsWith(batchId))).toHaveLength(1);
    await expect(finalize(broken, step, withMinutes(15))).rejects.toThrow('S3 is away.');

    harness.running.clear();
    await sweepNow(harness);
    const { epoch } = await harness.batch(batchId);
    expect(epoch).toBe(1);
    await drive(harness, batchId);

    await expectExactlyOnce(harness, batchId, lines);
    expect(await harness.status(nameOf(files))).toMatchObject({ retry: expect.stringContaining('retry.jsonl') });
    expect(harness.events.filter(({ detail }) => detail.id.startsWith(batchId))).toHaveLength(1);
    expect((await outcomeOf(batchId)).retryBytes).toBeGreaterThan(0);
    await sweepNow(harness);
    expect((await harness.batch(batchId)).epoch).toBe(1);
  });

  it('is waited for by who sends its requests again', async () => {
    const batchId = await dropped(halfRefused());
    const step = await collected(batchId);
    await finalizeUntil(withoutLines(new Error('S3 is away.')), step, 'S3 is away.');
    const [retried] = await Promise.all([
      retryBatch(harness.services, await harness.batch(batchId)),
      finalize(harness.services, step, withMinutes(15)),
    ]);
    expect(retried).toMatchObject({ retryOf: batchId, status: 'validating' });
    expect(retried.input[0]?.bytes).toBeGreaterThan(0);
  });

  it('is given up where the requests are not kept any more', async () => {
    const batchId = await dropped(halfRefused());
    const step = await collected(batchId);
    await finalizeUntil(withoutLines(new Error('S3 is away.')), step, 'S3 is away.');
    const { objects } = harness.services;
    const gone = reading(async function* (object, start) {
      yield* objects.stream(object.key.endsWith('/lines.jsonl') ? { ...object, key: 'work/gone' } : object, start);
    });
    expect(await finalize(gone, step, withMinutes(15))).toMatchObject({ done: true });
    const batch = await harness.batch(batchId);
    expect(batch).toMatchObject({ status: 'completed', retryFile: 'lost' });
    expect(await harness.status(nameOf(files))).toMatchObject({ retry: null });
    await expect(retryBatch(harness.services, batch)).rejects.toThrow('are not kept any more');
  });
});

/** Runs that end in time, until one fails as it is to fail. */
async function finalizeUntil(services: Services, step: { batchId: string; epoch: number }, message: string) {
  await expect(
    (async () => {
      for (let run = 0; run < 10; run += 1) await finalize(services, step, withMinutes(15));
    })(),
  ).rejects.toThrow(message);
}
