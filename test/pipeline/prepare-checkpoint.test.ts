import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Services } from '../../lib/pipeline/services.ts';
import { resultKey } from '../../lib/records/object-keys.ts';
import { runs, runTimeMs } from '../seed.ts';
import { crashing, crashPoint } from './crashing.ts';
import { drive, shortTime, shortTimes } from './drive.ts';
import { type Harness, startHarness } from './harness.ts';
import { expectExactlyOnce } from './invariants.ts';
import { chatLine, claudeLine, fileOf, numbered } from './requests.ts';
import { cancelBatch, prepare } from './steps.ts';

let harness: Harness;
let files = 0;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  harness = await startHarness();
});

afterAll(async () => {
  await harness.close();
  vi.useRealTimers();
});

/** The same, but objects come in small chunks, so that a small input takes many. */
function inChunks(services: Services, chunkBytes: number): Services {
  const { objects } = services;
  const stream: typeof objects.stream = async function* (...of) {
    for await (const chunk of objects.stream(...of))
      for (let at = 0; at < chunk.length; at += chunkBytes) yield chunk.subarray(at, at + chunkBytes);
  };
  const chunked = new Proxy(objects, {
    get: (target, name) => {
      const value: unknown = name === 'stream' ? stream : Reflect.get(target, name);
      return typeof value === 'function' && name !== 'stream' ? value.bind(target) : value;
    },
  });
  return { ...services, objects: chunked };
}

const rich = (id: string) =>
  JSON.stringify({ ...JSON.parse(claudeLine(id)), body: { ...JSON.parse(claudeLine(id)).body, seed: 4, user: 'u' } });
const kinds: ((id: string) => string)[] = [
  chatLine,
  claudeLine,
  rich,
  (id) => chatLine(id, 'x'.repeat(300)),
  (id) => chatLine(id, 'hi', 'no-such-model'),
  (id) => chatLine(`same-${id.length % 2}`),
  () => '{"custom_id": ',
  () => '',
  () => '  ',
];
const inputs = fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 25 });
const options = fc.constantFrom<Record<string, string>>(
  { 'on-invalid-line': 'error_line', 'on-unknown-model': 'error_line' },
  { 'on-invalid-line': 'error_line' },
  {},
);

async function dropped(body: string, metadata: Record<string, string>): Promise<string> {
  files += 1;
  const batchId = await harness.drop(`checkpoint-${files}.jsonl`, body, metadata);
  if (batchId === null) throw new Error('refused');
  return batchId;
}

/** All that may not depend on how many runs it took. */
async function outcomeOf(batchId: string) {
  const batch = await harness.batch(batchId);
  const { output, errors, retry } = await harness.results(batchId);
  const read = async (name: 'validation.jsonl' | 'warnings.jsonl') => harness.read(resultKey(batchId, name));
  const { status, counts, errors: firstErrors, errorCount, warningCount, endpoint, model, report } = batch;
  const ours = (lines: string[]) => lines.map((line) => ({ ...JSON.parse(line), id: null }));
  return {
    ...{ status, counts, firstErrors, errorCount, warningCount, endpoint, model, retry },
    report: report && { ...report, shards: report.shards.map((group) => ({ ...group, shards: 0 })) },
    output: output.map((line) => JSON.parse(line).custom_id),
    errors: ours(errors),
    validation: await read('validation.jsonl'),
    warnings: await read('warnings.jsonl'),
  };
}

describe('an input for which one run of Prepare has too little time', () => {
  it(
    'comes to the same as in one go, wherever runs end or die',
    async () => {
      let loops = 0;
      await fc.assert(
        fc.asyncProperty(
          inputs,
          options,
          fc.integer({ min: 40, max: 400 }),
          fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
          fc.array(crashPoint, { maxLength: 4 }),
          async (lines, metadata, chunkBytes, looks, points) => {
            const body = fileOf(lines.map((line, place) => line(`id-${place}`)));
            const inOneGo = await dropped(body, metadata);
            await drive(harness, inOneGo);
            const bitByBit = await dropped(body, metadata);
            await drive(harness, bitByBit, {
              services: inChunks(crashing(harness.services, points), chunkBytes),
              context: shortTimes(looks),
            });
            if ((await harness.batch(bitByBit)).checkpoint !== null) loops += 1;
            expect(await outcomeOf(bitByBit)).toEqual(await outcomeOf(inOneGo));
          },
        ),
        { numRuns: runs(10), examples: [[new Array(12).fill(chatLine), {}, 200, [1], []]] },
      );
      // The example leaves a checkpoint for certain; how many of the drawn ones do is left to chance.
      expect(loops).toBeGreaterThan(0);
    },
    runTimeMs(600_000),
  );

  it('is gone on with by one of two runs at once, and by none of an older epoch', async () => {
    const lines = numbered(20, (id) => (id.endsWith('3') ? rich(id) : chatLine(id)));
    const batchId = await dropped(fileOf(lines), {});
    const services = inChunks(harness.services, 500);
    const run = (epoch: number) => prepare(services, { batchId, epoch }, shortTime(0));
    await Promise.all([run(0), run(0), run(0)]);
    const { checkpoint } = await harness.batch(batchId);
    expect(checkpoint).not.toBeNull();
    await harness.services.records.updateBatch(batchId, (batch) => ({ ...batch, epoch: 1 }));
    await expect(run(0)).rejects.toThrow('superseded');
    expect((await harness.batch(batchId)).checkpoint).toBe(checkpoint);
    await Promise.all([run(1), run(1), drive(harness, batchId, { services, context: () => shortTime(0) })]);
    await expectExactlyOnce(harness, batchId, lines);
  });

  it('ends where it is cancelled between two runs', async () => {
    const batchId = await dropped(fileOf(numbered(20, chatLine)), {});
    const step = { batchId, epoch: 0 };
    const services = inChunks(harness.services, 500);
    expect(await prepare(services, step, shortTime(0))).toEqual({ done: false, ended: false });
    await cancelBatch(harness.services, batchId, new AbortController().signal);
    expect(await prepare(services, step, shortTime(0))).toEqual({ done: true, ended: true });
  });

  it('begins anew from a checkpoint that it cannot read', async () => {
    const lines = numbered(20, chatLine);
    const batchId = await dropped(fileOf(lines), {});
    const step = { batchId, epoch: 0 };
    const services = inChunks(harness.services, 500);
    await prepare(services, step, shortTime(0));
    const { checkpoint } = await harness.batch(batchId);
    await harness.put(`work/${batchId}/prepare/${checkpoint}/checkpoint.json`, '{"version": "of another release"}');
    await drive(harness, batchId, { services, context: () => shortTime(0) });
    await expectExactlyOnce(harness, batchId, lines);
  });

  it('forgets a checkpoint whose hashes took two ids for one, and begins anew', async () => {
    const lines = numbered(20, chatLine);
    const batchId = await dropped(fileOf(lines), {});
    const services = inChunks(harness.services, 500);
    const run = () => prepare(services, { batchId, epoch: 0 }, shortTime(0));
    await run();
    const { checkpoint } = await harness.batch(batchId);
    const key = `work/${batchId}/prepare/${checkpoint}/checkpoint.json`;
    const stored = JSON.parse((await harness.read(key)) ?? '');
    await harness.put(key, JSON.stringify({ ...stored, suspects: [{ earlierLine: 1, laterLine: 2 }] }));
    await expect(prepare(services, { batchId, epoch: 0 }, shortTime(1_000))).rejects.toThrow('the same hash by chance');
    expect((await harness.batch(batchId)).checkpoint).toBeNull();
    await drive(harness, batchId, { services, context: () => shortTime(0) });
    await expectExactlyOnce(harness, batchId, lines);
  });

  it.each([true, false])('has the md5 of an upload verified: right %s', async (isRight) => {
    const lines = numbered(20, chatLine);
    const text = fileOf(lines);
    const { objects } = harness.services;
    const parts = [
      await objects.putText('files/md5/1', text.slice(0, 333)),
      await objects.putText('files/md5/2', text.slice(333)),
    ];
    const md5 = isRight ? createHash('md5').update(text).digest('hex') : 'f'.repeat(32);
    const list = await objects.putText('files/md5/list', JSON.stringify({ md5, parts }));
    const batchId = await dropped(text, {});
    const input = [{ ...list, bytes: text.length, isPartList: true }];
    await harness.services.records.updateBatch(batchId, (batch) => ({ ...batch, input }));
    await drive(harness, batchId, { services: inChunks(harness.services, 500), context: () => shortTime(2) });
    const batch = await harness.batch(batchId);
    expect(batch.checkpoint).not.toBeNull();
    expect(batch.errors[0]?.code).toBe(isRight ? undefined : 'md5_mismatch');
    if (isRight) await expectExactlyOnce(harness, batchId, lines);
  });
});

describe('pieces that are too small for their provider', () => {
  let small: Harness;
  const lines = numbered(20, chatLine);

  beforeAll(async () => {
    const openai = { kind: 'openai', secret: 'openai', limits: { minRequests: 8 }, settleSeconds: 5 };
    small = await startHarness({ providers: { openai } });
  });

  afterAll(async () => {
    await small.close();
  });

  /** Prepared by as many runs as there are chunks of a few lines, or by one. */
  async function prepared(name: string, chunkBytes: number, options: Record<string, string> = {}): Promise<string> {
    const batchId = (await small.drop(`${name}.jsonl`, fileOf(lines), options)) ?? '';
    const services = inChunks(small.services, chunkBytes);
    while (!(await prepare(services, { batchId, epoch: 0 }, shortTime(0))).done);
    return batchId;
  }

  it('are joined with what comes after them, and the rest counts at its own price against the cap', async () => {
    const batchId = await prepared('pieces', 500);
    const { rounds, report } = await small.batch(batchId);
    const shards = await small.services.records.listShards(batchId, rounds[0]?.token ?? '');
    expect(shards.reduce((sum, { lineCount }) => sum + lineCount, 0)).toBe(20);
    const live = shards.filter((shard) => shard.live !== null);
    expect(live.map(({ shard }) => shard)).toEqual([shards.length - 1]);
    expect(live[0]?.lineCount).toBeLessThan(8);
    const written = await Promise.all(shards.map(({ linesKey }) => small.read(linesKey)));
    expect(written.join('')).toBe(fileOf(lines));

    const usd = report?.estimatedCost.usd ?? 0;
    const inOneGo = await small.batch(await prepared('one', 100_000));
    expect(usd).toBeGreaterThan(inOneGo.report?.estimatedCost.usd ?? usd);
    const capped = await prepared('capped', 500, { 'max-cost-usd': (usd * 0.999).toFixed(12) });
    expect(await small.batch(capped)).toMatchObject({ verdict: 'failed', errors: [{ code: 'budget_exceeded' }] });
    const allowed = await prepared('allowed', 500, { 'max-cost-usd': (usd * 1.001).toFixed(12) });
    expect(await small.batch(allowed)).toMatchObject({ verdict: 'accepted', status: 'in_progress' });
  });
});
