import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { type Line, type OverlongLine, splitLines } from '../lib/lines/jsonl.ts';
import { parseRequestLine } from '../lib/lines/request-line.ts';
import { LineValidation } from '../lib/pipeline/prepare/line-validation.ts';
import { parseOptions } from '../lib/records/options.ts';
import { ObjectWriter, type Upload } from '../lib/store/object-writer.ts';
import { Objects } from '../lib/store/objects.ts';
import { type InputKind, writeInputFile } from './data-path/input-files.ts';
import { median } from './data-path/measurement.ts';
import { printReport, type Row } from './data-path/report.ts';
import { account, config, newValidation } from './data-path/shards.ts';
import { Workspace } from './data-path/workspace.ts';

const rounds = 5;
const chunkBytes = 1024 * 1024;
const kinds: InputKind[] = ['raw', 'anthropic'];

type Step = (chunks: readonly Buffer[]) => Promise<void>;

/** Prepare without its input and output, from chunks in memory to buffers that are thrown away; each step does what those above it do and one thing more. */
const steps: Record<string, Step> = {
  'parse-only': async (chunks) => chunks.forEach(parseLines),
  split: (chunks) => eachLine(chunks, () => undefined),
  'and parse': (chunks) => eachLine(chunks, (line) => parseRequestLine(line, '/v1/chat/completions')),
  'and validate': (chunks) => {
    const validation = new LineValidation({ config, account }, parseOptions({}));
    return eachLine(chunks, (line) => validation.validate(line));
  },
  'and shard': async (chunks) => {
    const validation = newValidation(new Nowhere());
    for await (const lines of splitLines(streamOf(chunks))) await validation.add(lines);
    await validation.finish();
  },
};

/** What each step of Prepare adds, in the time of the main thread, which what else the machine does hardly touches. */
export async function run({
  json,
  lines,
  bytesPerLine,
}: {
  json: boolean;
  lines: number;
  bytesPerLine: number;
}): Promise<void> {
  using workspace = new Workspace();
  const rows: Row[] = [];
  for (const kind of kinds) {
    const file = join(workspace.folder, kind);
    writeInputFile(file, kind, lines, bytesPerLine);
    rows.push(...(await rowsOf(kind, readFileSync(file))));
  }
  printReport(rows, json);
}

async function rowsOf(kind: InputKind, file: Buffer): Promise<Row[]> {
  const chunks = Array.from({ length: Math.ceil(file.length / chunkBytes) }, (_, place) =>
    file.subarray(place * chunkBytes, (place + 1) * chunkBytes),
  );
  const seconds = new Map<string, number[]>(Object.keys(steps).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, step] of Object.entries(steps)) seconds.get(name)?.push(await threadSeconds(() => step(chunks)));
  const medianOf = (name: string) => median(seconds.get(name) ?? []);
  return Object.keys(steps).map((name) => ({
    case: `${kind}: ${name}`,
    megabytesPerSecond: file.length / 1e6 / medianOf(name),
    timesParseOnly: null,
    timesParseOnlyCpu: medianOf(name) / medianOf('parse-only'),
    timesUnordered: null,
    timesCopy: null,
    peakRssMegabytes: null,
  }));
}

async function threadSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e6;
}

/** The yardstick; a line that goes across two chunks is left out. */
function parseLines(chunk: Buffer): void {
  let start = chunk.indexOf(10) + 1;
  for (let end = chunk.indexOf(10, start); end >= 0; end = chunk.indexOf(10, start)) {
    JSON.parse(chunk.toString('utf8', start, end));
    start = end + 1;
  }
}

async function eachLine(chunks: readonly Buffer[], take: (line: Line | OverlongLine) => unknown): Promise<void> {
  for await (const lines of splitLines(streamOf(chunks))) lines.forEach(take);
}

async function* streamOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** Objects that nobody keeps. */
class Nowhere extends Objects {
  constructor() {
    super(new S3Client({ region: 'nowhere' }), 'bench');
  }

  override writer(key: string): ObjectWriter {
    return new ObjectWriter(discarded, { bucket: this.bucket, key }, {});
  }
}

const discarded: Upload = {
  putWhole: async () => '"bench"',
  sendPart: async () => undefined,
  copyPart: async () => undefined,
  complete: async () => '"bench"',
  abort: async () => undefined,
};
