import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ResultIndexEncoder } from '../../lib/lines/line-index.ts';
import { placesIn } from '../../lib/lines/result-places.ts';
import { emptyMerge, type Merged, mergeResults, mergeStretch } from '../../lib/pipeline/finalize/merge.ts';
import { collectedShards } from '../../lib/pipeline/shards/collected-shard.ts';
import { markCollected, newShard, type ShardRecord } from '../../lib/records/shard.ts';
import { noUsage } from '../../lib/records/usage.ts';
import { Objects } from '../../lib/store/objects.ts';
import { type LocalS3, startLocalS3 } from '../../local/s3/server.ts';
import { runs } from '../seed.ts';

let dataDir: string;
let s3: LocalS3;
let objects: Objects;
const operations: string[] = [];
let written = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'batchdrop-merge-'));
  const beforeRequest = (operation: string) => {
    operations.push(operation);
    return 'pass' as const;
  };
  s3 = await startLocalS3({ dataDir, buckets: ['bucket'], faults: { beforeRequest } });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  objects = new Objects(
    new S3Client({ endpoint: s3.url, region: 'us-east-1', forcePathStyle: true, credentials }),
    'bucket',
  );
});

beforeEach(() => {
  operations.length = 0;
});

afterAll(async () => {
  await s3.close();
  await rm(dataDir, { recursive: true, force: true });
});

interface Result {
  ordinal: number;
  succeeded: boolean;
  text: string;
}

/** Writes the results of one shard as Collect does. */
async function shardOf(round: number, place: number, results: readonly Result[]): Promise<ShardRecord> {
  written += 1;
  const number = written;
  const keyOf = (part: string) => `work/${number}/${part}`;
  const output = objects.writer(keyOf('output'), { sha256: true });
  const errors = objects.writer(keyOf('errors'), { sha256: true });
  const index = objects.writer(keyOf('index'));
  const entries = new ResultIndexEncoder();
  for (const { ordinal, succeeded, text } of results) {
    const line = Buffer.from(text);
    await (succeeded ? output : errors).writeLine(line);
    entries.add({
      ordinal,
      succeeded,
      retryable: false,
      unexecuted: false,
      expired: false,
      lost: false,
      byteLength: line.length + 1,
    });
  }
  await index.write(entries.finish());
  const [out, failed] = await Promise.all([output.close(), errors.close(), index.close()]);
  const shard = newShard({
    batchId: 'batch',
    round,
    set: 'set',
    shard: place,
    provider: 'openai',
    model: 'm',
    endpoint: '/v1/chat/completions',
    lineCount: results.length,
    bytes: 0,
    estimatedTokens: 0,
    linesKey: '',
    sentKey: null,
    indexKey: '',
  });
  const completed = results.filter((result) => result.succeeded).length;
  const result = {
    outputKey: out.bytes > 0 ? out.key : null,
    errorsKey: failed.bytes > 0 ? failed.key : null,
    indexKey: keyOf('index'),
    outputBytes: out.bytes,
    errorBytes: failed.bytes,
    outputSha256: out.sha256,
    errorsSha256: failed.sha256,
    completed,
    failed: results.length - completed,
    retryable: 0,
    expired: 0,
    unexecuted: 0,
    doubled: 0,
    malformed: 0,
    foreign: 0,
    missing: 0,
    lost: 0,
    usage: noUsage,
    rawKeys: [],
    sourceSha256: [],
  };
  return markCollected(shard, result, null);
}

/** What must come out: of each line the result of its last sending, in input order. */
function expectedFile(rounds: readonly (readonly Result[])[], lines: number, succeeded: boolean): string {
  const last = new Map<number, Result>();
  for (const results of rounds) for (const result of results) last.set(result.ordinal, result);
  const all = Array.from({ length: lines }, (_, ordinal) => last.get(ordinal));
  return all.flatMap((result) => (result?.succeeded === succeeded ? [`${result.text}\n`] : [])).join('');
}

function lastTexts(rounds: readonly (readonly Result[])[], lines: number): (string | undefined)[] {
  const last = new Map(rounds.flat().map(({ ordinal, text }) => [ordinal, text]));
  return Array.from({ length: lines }, (_, ordinal) => last.get(ordinal));
}

/** The results that the index of the last merge leads to, of each line in turn. */
async function placedTexts({ output, errors }: Merged): Promise<string[]> {
  const [answered, failed] = await Promise.all([output, errors].map(async (file) => (file ? textOf(file.key) : '')));
  const places = [...placesIn(await objects.readBytes(resultKeys().places), 0)];
  expect(places.map(({ ordinal }) => ordinal)).toEqual(places.map((_, ordinal) => ordinal));
  return places.map(({ succeeded, start, byteLength }) => {
    const file = (succeeded ? answered : failed) ?? '';
    return file.slice(start, start + byteLength - 1);
  });
}

async function textOf(key: string): Promise<string> {
  return (await objects.readBytes(key)).toString();
}

async function filesOf({ output, errors }: Pick<Merged, 'output' | 'errors'>): Promise<(string | null)[]> {
  return Promise.all([output, errors].map(async (file) => file && textOf(file.key)));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function whole(merging: Promise<Merged | null>): Promise<Merged> {
  const merged = await merging;
  if (!merged) throw new Error('The merge stopped.');
  return merged;
}

function resultKeys() {
  const folder = `results/${written}`;
  return { output: `${folder}/output`, errors: `${folder}/errors`, places: `${folder}/index` };
}

async function merge(shards: readonly ShardRecord[], lines: number): Promise<Merged> {
  written += 1;
  const keys = resultKeys();
  return whole(mergeResults(objects, collectedShards(objects, shards), lines, keys, emptyMerge, () => false));
}

/** The same by several runs, each of which stops after so many runs of results. */
async function mergeInStretches(shards: readonly ShardRecord[], lines: number, runs: number): Promise<Merged> {
  written += 1;
  let progress = emptyMerge;
  for (let run = 0; progress.nextOrdinal < lines; run += 1) {
    const keys = { output: `work/${written}/${run}/output`, errors: `work/${written}/${run}/errors` };
    let left = runs;
    const mustStop = () => {
      left -= 1;
      return left <= 0;
    };
    const further = await mergeStretch(objects, collectedShards(objects, shards), lines, keys, progress, mustStop);
    expect(further.nextOrdinal).toBeGreaterThan(progress.nextOrdinal);
    progress = further;
  }
  const keys = resultKeys();
  return whole(mergeResults(objects, collectedShards(objects, shards), lines, keys, progress, () => false));
}

/** Which shard takes a line in each round; a line goes on to the next round only if it failed. */
const sending = fc.record({ shard: fc.nat(2), succeeded: fc.boolean() });
const line = fc.record({ sendings: fc.array(sending, { minLength: 1, maxLength: 3 }), size: fc.nat(40) });

describe('merging results', () => {
  it('gives each line once, in input order, with the result of its last sending', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 40 }), fc.boolean(), async (lines, isContiguous) => {
        const rounds: Result[][] = [[], [], []];
        const shards = new Map<string, Result[]>();
        for (const [ordinal, { sendings, size }] of lines.entries()) {
          for (const [round, { shard, succeeded }] of sendings.entries()) {
            const result = { ordinal, succeeded, text: `${ordinal}/${round} ${'x'.repeat(size)}` };
            const place = isContiguous ? Math.floor((3 * ordinal) / lines.length) : shard;
            rounds[round]?.push(result);
            shards.set(`${round}/${place}`, [...(shards.get(`${round}/${place}`) ?? []), result]);
            if (succeeded) break;
          }
        }
        const made = await Promise.all(
          [...shards].map(([name, results]) => shardOf(Number(name[0]), Number(name[2]), results)),
        );
        const merged = await merge(made, lines.length);
        for (const [file, succeeded] of [
          [merged.output, true],
          [merged.errors, false],
        ] as const) {
          const expected = expectedFile(rounds, lines.length, succeeded);
          expect(file ? await textOf(file.key) : '').toBe(expected);
          if (file) expect(file.sha256).toBe(sha256(expected));
        }
        expect(merged.completed + merged.failed).toBe(lines.length);
        expect(await placedTexts(merged)).toEqual(lastTexts(rounds, lines.length));
        const inStretches = await mergeInStretches(made, lines.length, 3);
        const { output, errors, ...tally } = merged;
        expect(inStretches).toMatchObject(tally);
        expect(await filesOf(inStretches)).toEqual(await filesOf({ output, errors }));
        expect(await placedTexts(inStretches)).toEqual(lastTexts(rounds, lines.length));
      }),
      { numRuns: runs(40) },
    );
  });

  it('has S3 copy large shards that stand together, and merges only the others', async () => {
    const wide = 'x'.repeat(100_000);
    const results = (from: number, count: number, round = 0) =>
      Array.from({ length: count }, (_, place) => ({
        ordinal: from + place,
        succeeded: true,
        text: `${from + place}/${round} ${wide}`,
      }));
    const large = results(0, 200);
    const small = results(200, 3);
    const alsoLarge = results(203, 220);
    const mixed = results(423, 40);
    const failed = results(463, 200).map((result) =>
      result.ordinal === 500 ? { ...result, succeeded: false } : result,
    );
    const again = results(500, 1, 1);
    const first = await shardOf(0, 0, large);
    const shards = [
      first,
      await shardOf(0, 1, small),
      await shardOf(0, 2, alsoLarge),
      await shardOf(
        0,
        3,
        mixed.filter(({ ordinal }) => ordinal % 2 === 0),
      ),
      await shardOf(
        0,
        4,
        mixed.filter(({ ordinal }) => ordinal % 2 === 1),
      ),
      await shardOf(0, 5, failed),
      await shardOf(1, 0, again),
    ];
    operations.length = 0;
    const merged = await merge(shards, 663);
    const expected = expectedFile([[...large, ...small, ...alsoLarge, ...mixed, ...failed], again], 663, true);
    expect(sha256(await textOf(merged.output?.key ?? ''))).toBe(sha256(expected));
    expect(operations.filter((operation) => operation === 'UploadPartCopy')).toHaveLength(2);
    expect(merged.output).toMatchObject({ bytes: expected.length, sha256: null });
    const sections = merged.output?.sections ?? [];
    expect(sections.map(({ bytes }) => bytes).reduce((sum, bytes) => sum + bytes)).toBe(expected.length);
    expect(sections.map((section) => section.sha256)).toContain(first.result?.outputSha256);
    let at = 0;
    for (const { bytes, sha256: sum } of sections) {
      expect(sum).toBe(sha256(expected.slice(at, at + bytes)));
      at += bytes;
    }
  });

  it('has S3 copy large stretches of earlier runs, with the checksums of their parts', async () => {
    const text = (ordinal: number) => `${ordinal} ${'z'.repeat(9_000_000)}`;
    const half = (from: number) =>
      [0, 2].map((step) => ({ ordinal: from + step, succeeded: true, text: text(from + step) }));
    const shards = [await shardOf(0, 0, half(0)), await shardOf(0, 1, half(1))];
    operations.length = 0;
    const merged = await mergeInStretches(shards, 4, 2);
    const expected = [0, 1, 2, 3].map((ordinal) => `${text(ordinal)}\n`).join('');
    expect(sha256(await textOf(merged.output?.key ?? ''))).toBe(sha256(expected));
    expect(operations).toContain('UploadPartCopy');
    let at = 0;
    for (const { bytes, sha256: sum } of merged.output?.sections ?? []) {
      expect(sum).toBe(sha256(expected.slice(at, at + bytes)));
      at += bytes;
    }
    expect(at).toBe(expected.length);
  });

  it('keeps the checksum of a single large shard', async () => {
    const shard = await shardOf(0, 0, [{ ordinal: 0, succeeded: true, text: 'y'.repeat(20_000_000) }]);
    const merged = await merge([shard], 1);
    expect(merged.output).toMatchObject({ bytes: 20_000_001, sha256: shard.result?.outputSha256 });
    expect(operations).toContain('UploadPartCopy');
  });

  it('fails where a line has no result, and leaves nothing behind', async () => {
    const shard = await shardOf(0, 0, [{ ordinal: 1, succeeded: true, text: 'second' }]);
    await expect(merge([shard], 2)).rejects.toThrow('Line 0 has no result.');
    expect(await objects.head(`results/${written}/output`)).toBeNull();
  });
});

describe('ObjectWriter', () => {
  it.each([0, 1, 5_000_000, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 25_000_000])(
    'writes %i bytes as they are',
    async (bytes) => {
      const content = Buffer.alloc(bytes);
      for (let at = 0; at < bytes; at += 1) content[at] = at % 251;
      const writer = objects.writer(`written/${bytes}`, { sha256: true });
      for (let at = 0; at < bytes; at += 3_333_333) await writer.write(content.subarray(at, at + 3_333_333));
      const object = await writer.close();
      expect(object).toMatchObject({ bytes, sha256: createHash('sha256').update(content).digest('hex') });
      expect((await objects.readBytes(object.key)).equals(content)).toBe(true);
    },
  );

  it('shows nothing of what is given up', async () => {
    const writer = objects.writer('given-up');
    await writer.write(Buffer.alloc(20_000_000));
    await writer.abort();
    expect(await objects.head('given-up')).toBeNull();
    expect(operations).toContain('AbortMultipartUpload');
  });
});
