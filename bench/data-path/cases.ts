import { statSync } from 'node:fs';
import { CustomIds } from '../../lib/lines/custom-ids.ts';
import { GatheredAnswers } from '../../lib/pipeline/collect/gathered-answers.ts';
import { ResultSpool } from '../../lib/pipeline/collect/result-spool.ts';
import { ShardResults } from '../../lib/pipeline/collect/shard-results.ts';
import { emptyMerge, mergeResults } from '../../lib/pipeline/finalize/merge.ts';
import { collectedShards } from '../../lib/pipeline/shards/collected-shard.ts';
import { readIndex, readSentLines } from '../../lib/pipeline/shards/shard-lines.ts';
import type { Sending } from '../../lib/providers/contract.ts';
import { sendingPrefix } from '../../lib/records/ids.ts';
import type { ShardRecord } from '../../lib/records/shard.ts';
import type { PendingWrite } from '../../lib/store/pending-writes.ts';
import { FileObjects, readChunks } from './file-objects.ts';
import { account, keepShards, keptShards, prepareShards } from './shards.ts';

/** What a case works on. */
export interface Task {
  /** Where it may write; an earlier case of the same bench may have left shards there. */
  folder: string;
  /** Files that it reads, whose size is what MB/s are of. */
  files: string[];
  /** Lines that it makes up, where it reads none. */
  lines?: number;
}

/** What a phase took: seconds of a clock, and seconds of all processors together. */
export interface Took {
  seconds: number;
  cpuSeconds: number;
}

/** By phase; what counts is their sum. */
export type Phases = Record<string, Took>;

/** Every case, each run in a process of its own. */
export const cases: Record<string, (task: Task) => Promise<Phases>> = {
  'parse-only': async ({ files }) => ({ parse: await timed(() => each(files, (file) => parseLines(file))) }),
  copy: async ({ files, folder }) => ({
    copy: await timed(() => each(files, (file) => copyFile(new FileObjects(folder), file))),
  }),
  'two-passes': async ({ files, folder }) => twoPasses(new FileObjects(folder), files),
  submit: async ({ files, folder }) => submit(new FileObjects(folder), folder, files),
  unordered: async ({ files, folder }) => ({
    collect: await timed(() => collectUnordered(new FileObjects(folder), folder, files)),
  }),
  collect: async ({ files, folder }) => ({
    collect: await timed(() => collect(new FileObjects(folder), folder, files)),
  }),
  'unique-hashes': async ({ lines = 0 }) => uniqueHashes(lines),
  'unique-set': async ({ lines = 0 }) => uniqueSet(lines),
  send: async ({ folder }) => send(new FileObjects(folder), folder),
  merge: async ({ folder }) => ({ merge: await timed(() => merge(new FileObjects(folder), folder)) }),
};

async function timed(work: () => Promise<unknown>): Promise<Took> {
  const startedAt = performance.now();
  const usedBefore = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(usedBefore);
  return { seconds: (performance.now() - startedAt) / 1_000, cpuSeconds: (user + system) / 1e6 };
}

async function each(files: readonly string[], work: (file: string) => Promise<void>): Promise<void> {
  for (const file of files) await work(file);
}

/** The yardstick: the least that whoever reads JSON Lines in JavaScript does. */
async function parseLines(file: string, alsoTake?: (chunk: Buffer) => PendingWrite): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of readChunks(file)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const text = chunk.toString('utf8', start, end);
      JSON.parse(rest.length > 0 ? rest.toString('utf8') + text : text);
      rest = Buffer.alloc(0);
      start = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
    await alsoTake?.(chunk);
  }
}

/** What submit cannot do without: one function reads, parses and writes every line, another reads and writes them again. */
async function twoPasses(objects: FileObjects, files: readonly string[]): Promise<Phases> {
  const firstPass = await timed(() =>
    each(files, async (file) => {
      const writer = objects.writer('first-pass');
      await parseLines(file, (chunk) => writer.write(chunk));
      await writer.close();
    }),
  );
  const secondPass = await timed(() => copyFile(objects, objects.pathOf('first-pass')));
  return { 'first pass': firstPass, 'second pass': secondPass };
}

async function copyFile(objects: FileObjects, file: string): Promise<void> {
  const writer = objects.writer('copy');
  for await (const chunk of readChunks(file)) await writer.write(chunk);
  await writer.close();
}

/** Prepare, and of Submit all but the SDK: the lines under their ids, in a file as the SDK is lent it. */
async function submit(objects: FileObjects, folder: string, files: readonly string[]): Promise<Phases> {
  let shards: ShardRecord[] = [];
  const prepare = await timed(async () => {
    for (const file of files) shards = await prepareShards(objects, file);
  });
  keepShards(folder, shards);
  const lines = await timed(async () => {
    for (const shard of shards) await writeSentLines(objects, shard);
  });
  return { prepare, lines };
}

async function writeSentLines(objects: FileObjects, shard: ShardRecord): Promise<void> {
  const writer = objects.writer(`sent/${shard.shard}`);
  const form = { prefix: prefixOf(shard), model: shard.model, separator: ',' as const };
  const index = await readIndex(objects, shard);
  for await (const piece of readSentLines(objects, shard, index, form)) await writer.write(piece);
  await writer.close();
}

export function prefixOf({ batchId, round, shard, attempts }: ShardRecord): string {
  return sendingPrefix({ batchId, round, shard, attempt: attempts });
}

/** As Collect does, but each line is written when it comes. */
async function collectUnordered(objects: FileObjects, folder: string, files: readonly string[]): Promise<void> {
  for (const [place, shard] of keptShards(folder).entries()) {
    const index = await readIndex(objects, shard);
    const writer = objects.writer(`unordered/${place}`, { sha256: true });
    const answers = new GatheredAnswers(shard, index, { put: (_position, bytes) => writer.writeLine(bytes) }, () => 0);
    await readAnswers(answers, shard, files[place] ?? '');
    await writer.close();
    if (answers.resultsRead !== index.length) throw new Error(`Shard ${place} has ${answers.resultsRead} answers.`);
  }
}

async function collect(objects: FileObjects, folder: string, files: readonly string[]): Promise<void> {
  const collected: ShardRecord[] = [];
  for (const [place, shard] of keptShards(folder).entries()) {
    const index = await readIndex(objects, shard);
    const spool = await ResultSpool.open(index.length);
    const answers = new GatheredAnswers(shard, index, spool, () => 0);
    await readAnswers(answers, shard, files[place] ?? '');
    const missing = { code: 'result_missing', message: 'missing', isLost: true, isRetryable: false };
    const sources = { shard, missing, resendsLost: false, index, answers, spool, checks: null };
    const result = await new ShardResults(objects, 'bench', sources).write();
    if (result.completed !== index.length) throw new Error(`Shard ${place} has ${result.completed} answers.`);
    collected.push({ ...shard, result });
    await spool.close();
  }
  keepShards(folder, collected);
}

async function readAnswers(answers: GatheredAnswers, shard: ShardRecord, file: string): Promise<void> {
  const { provider } = account(shard.provider ?? '');
  await answers.read(provider, readChunks(file), new AbortController().signal);
}

async function merge(objects: FileObjects, folder: string): Promise<void> {
  const shards = keptShards(folder);
  const lines = shards.reduce((sum, shard) => sum + shard.lineCount, 0);
  const keys = { output: 'merged/output', errors: 'merged/errors', places: 'merged/index' };
  const merged = await mergeResults(objects, collectedShards(objects, shards), lines, keys, emptyMerge, () => false);
  if (!merged) throw new Error('The merge stopped.');
  if (merged.completed !== lines) throw new Error(`${merged.completed} of ${lines} lines were merged.`);
}

/** The lookup that Prepare does for each line. */
async function uniqueHashes(lines: number): Promise<Phases> {
  const ids = new CustomIds();
  return {
    add: await timed(async () => {
      for (let line = 1; line <= lines; line += 1)
        if (ids.add(customIdOf(line), line) !== null) throw new Error(`Line ${line} was found already.`);
    }),
  };
}

/** What it is held against; it ends at 16,777,216 ids. */
async function uniqueSet(lines: number): Promise<Phases> {
  const ids = new Set<string>();
  return {
    add: await timed(async () => {
      for (let line = 1; line <= lines; line += 1) {
        const id = customIdOf(line);
        if (ids.has(id)) throw new Error(`Line ${line} was found already.`);
        ids.add(id);
      }
    }),
  };
}

/** As long as the ids that people use. */
export function customIdOf(line: number): string {
  return `customer-4711-request-${line}`;
}

/** What the SDK does with the first shard: to a simulator, which takes as much of the machine. */
async function send(objects: FileObjects, folder: string): Promise<Phases> {
  const [shard] = keptShards(folder);
  if (!shard) throw new Error('There is nothing to send.');
  const { client } = account(shard.provider ?? '');
  const index = await readIndex(objects, shard);
  const { signal } = new AbortController();
  const sending: Sending = {
    batchId: shard.batchId,
    prefix: prefixOf(shard),
    token: 'bench',
    endpoint: shard.endpoint,
    model: shard.model,
    lineCount: shard.lineCount,
    lines: (separator) =>
      readSentLines(objects, shard, index, { prefix: prefixOf(shard), model: shard.model, separator }),
    metadata: { bench: 'bench' },
  };
  return {
    send: await timed(async () => {
      const uploaded = await client.upload(sending, signal);
      if (uploaded.outcome !== 'uploaded') throw new Error(JSON.stringify(uploaded));
      const created = await client.create(sending, uploaded.providerInputFileId, signal);
      if (created.outcome !== 'created') throw new Error(JSON.stringify(created));
    }),
  };
}

export function bytesOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + statSync(file).size, 0);
}
