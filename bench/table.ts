import { createReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { ParquetEncoder } from '../lib/tables/parquet-encoder.ts';
import { resultColumns } from '../lib/tables/result-columns.ts';
import { tableStart } from '../lib/tables/row.ts';
import { compileCheck } from '../lib/tables/schema-check.ts';
import type { TableBytes } from '../lib/tables/table-bytes.ts';
import { TableReader } from '../lib/tables/table-reader.ts';
import { compileTemplate } from '../lib/tables/template.ts';
import { median } from './data-path/measurement.ts';
import { printColumns, type RowOf } from './data-path/report.ts';
import { Workspace } from './data-path/workspace.ts';

const rounds = 3;

/** What tables take, each beside the library that it is made with, in turn. */
interface Comparison {
  name: string;
  rows: number;
  bytes: number;
  ours: () => Promise<void>;
  yardstick: string;
  theirs: () => Promise<void>;
}

const columns = [
  ['rows/s', 'rowsPerSecond', 0],
  ['MB/s', 'megabytesPerSecond', 0],
  ['x alone', 'timesAlone', 2],
  ['peak RSS MB', 'peakRssMegabytes', 0],
] as const;
type Measured = RowOf<(typeof columns)[number][1]>;

const schema = {
  type: 'object',
  properties: { sentiment: { enum: ['good', 'bad'] }, score: { type: 'number' }, tags: { items: { type: 'string' } } },
  required: ['sentiment', 'score'],
  additionalProperties: false,
};
const template = {
  custom_id: '{{ id }}',
  body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Label: {{ text }}' }] },
};

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
  const file = (name: string) => join(workspace.folder, name);
  await writeTables(file, lines, bytesPerLine);
  const comparisons = [
    csvComparison(file('table.csv'), lines),
    parquetComparison(file('table.parquet'), lines),
    resultsComparison(lines),
    checkComparison(lines),
  ];
  const measured: Measured[] = [];
  for (const comparison of comparisons) measured.push(await measure(comparison));
  printColumns(columns, measured, json);
}

/** As DuckDB writes them by default: text of random words, whole numbers, times. */
async function writeTables(file: (name: string) => string, lines: number, bytesPerLine: number): Promise<void> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const words = Math.max(1, Math.round(bytesPerLine / 33));
  await connection.run(
    `create table t as select i as id, list_aggregate(list_transform(range(${words}), w -> md5((i * ${words} + w)::varchar)), 'string_agg', ' ') as text, i * 7 as stars, timestamp '2026-01-01' + interval (i) second as at from range(${lines}) r(i)`,
  );
  await connection.run(`copy t to '${file('table.csv')}' (header)`);
  await connection.run(`copy t to '${file('table.parquet')}' (format parquet)`);
  connection.closeSync();
  instance.closeSync();
}

function csvComparison(path: string, rows: number): Comparison {
  return {
    name: 'CSV to request lines',
    rows,
    bytes: statSync(path).size,
    ours: () => readTable('csv', path),
    yardstick: 'csv-parse',
    theirs: async () => {
      for await (const _row of createReadStream(path).pipe(parse({ columns: true })));
    },
  };
}

function parquetComparison(path: string, rows: number): Comparison {
  return {
    name: 'Parquet to request lines',
    rows,
    bytes: statSync(path).size,
    ours: () => readTable('parquet', path),
    yardstick: 'hyparquet, a row group at a time',
    theirs: () => readByHyparquet(path),
  };
}

async function readTable(kind: 'csv' | 'parquet', path: string): Promise<void> {
  const handle = await open(path);
  const source: TableBytes = {
    bytes: statSync(path).size,
    from: (start) => createReadStream(path, { start, highWaterMark: 1024 * 1024 }),
    between: async (start, end) => (await handle.read(Buffer.allocUnsafe(end - start), 0, end - start, start)).buffer,
  };
  const reader = new TableReader({ kind }, compileTemplate(template));
  let made = 0;
  for await (const { lines, rows } of reader.read(source, tableStart)) {
    made += lines.length;
    for (const { kept } of rows) made += kept.length > 0 ? 0 : 1;
  }
  await handle.close();
  if (made === 0) throw new Error('No line was made.');
}

async function readByHyparquet(path: string): Promise<void> {
  const handle = await open(path);
  const byteLength = statSync(path).size;
  const file = {
    byteLength,
    slice: async (start: number, end = byteLength) => {
      const bytes = new ArrayBuffer(end - start);
      await handle.read(new Uint8Array(bytes), 0, end - start, start);
      return bytes;
    },
  };
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd });
    rowStart = rowEnd;
  }
  await handle.close();
}

function resultsComparison(rows: number): Comparison {
  const text = 'x'.repeat(200);
  const values = (place: number) => [
    `row ${place} ${text}`,
    'good',
    place / 7,
    `row-${place}`,
    null,
    null,
    'm',
    9,
    9,
    0.1,
  ];
  const input = [{ name: 'text', type: 'text' as const }];
  const table = resultColumns(input, schema, 'json');
  return {
    name: 'results table in Parquet',
    rows,
    bytes: rows * 260,
    ours: async () => {
      const encoder = new ParquetEncoder({ columns: table, hasJsonRows: false, escapesFormulas: false });
      for (let place = 0; place < rows; place += 1) {
        const [first, sentiment, score, ...own] = values(place);
        encoder.add({ kept: null, input: [first], values: [sentiment, score, null, ...own] });
      }
      encoder.finish();
    },
    yardstick: 'hyparquet-writer',
    theirs: async () => {
      const writer = new ByteWriter();
      const names = table.all.map(({ name }) => name);
      const types = [
        'STRING',
        'STRING',
        'DOUBLE',
        'STRING',
        'STRING',
        'STRING',
        'STRING',
        'STRING',
        'INT64',
        'INT64',
        'DOUBLE',
      ];
      const parquet = new ParquetWriter({
        writer,
        schema: [
          { name: 'root', num_children: names.length },
          ...names.map((name, place) => ({
            name,
            repetition_type: 'OPTIONAL' as const,
            ...(types[place] === 'STRING'
              ? { type: 'BYTE_ARRAY' as const, converted_type: 'UTF8' as const }
              : { type: types[place] === 'INT64' ? ('INT64' as const) : ('DOUBLE' as const) }),
          })),
        ],
      });
      for (let start = 0; start < rows; start += 20_000) {
        const count = Math.min(20_000, rows - start);
        const data: unknown[][] = names.map(() => []);
        for (let place = start; place < start + count; place += 1) {
          const [first, sentiment, score, id, code, message, model] = values(place);
          for (const [at, value] of [first, sentiment, score, null, id, code, message, model, 9n, 9n, 0.1].entries())
            data[at]?.push(value);
        }
        parquet.write({ columnData: names.map((name, at) => ({ name, data: data[at] ?? [] })), rowGroupSize: count });
        writer.index = 0;
      }
      parquet.finish();
    },
  };
}

function checkComparison(rows: number): Comparison {
  const answers = Array.from({ length: 1_000 }, (_, place) =>
    JSON.stringify({
      sentiment: place % 2 ? 'good' : 'bad',
      score: place / 7,
      tags: ['a'.repeat(100), 'b'.repeat(200)],
    }),
  );
  const check = compileCheck(schema);
  if ('unchecked' in check) throw new Error(check.unchecked);
  const each = (take: (text: string) => unknown) => async () => {
    for (let place = 0; place < rows; place += 1) take(answers[place % answers.length] ?? '');
  };
  return {
    name: 'check of answers',
    rows,
    bytes: rows * (answers[0]?.length ?? 0),
    ours: each((text) => check.problemOf(JSON.parse(text))),
    yardstick: 'JSON.parse',
    theirs: each((text) => JSON.parse(text)),
  };
}

async function measure({ name, rows, bytes, ours, yardstick, theirs }: Comparison): Promise<Measured> {
  const seconds = { ours: [] as number[], theirs: [] as number[] };
  let peak = 0;
  for (let round = 0; round < rounds; round += 1) {
    seconds.ours.push(
      await secondsOf(ours, (bytesHeld) => {
        peak = Math.max(peak, bytesHeld);
      }),
    );
    seconds.theirs.push(await secondsOf(theirs, () => undefined));
  }
  const took = median(seconds.ours);
  return {
    case: `${name}, beside ${yardstick}`,
    rowsPerSecond: rows / took,
    megabytesPerSecond: bytes / 1e6 / took,
    timesAlone: took / median(seconds.theirs),
    peakRssMegabytes: peak / 1e6,
  };
}

async function secondsOf(work: () => Promise<void>, look: (bytes: number) => void): Promise<number> {
  const timer = setInterval(() => look(process.memoryUsage.rss()), 20);
  const started = performance.now();
  await work();
  clearInterval(timer);
  look(process.memoryUsage.rss());
  return (performance.now() - started) / 1_000;
}
