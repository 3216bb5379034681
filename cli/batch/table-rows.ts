import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { numberSpelled, parseExact } from '../../lib/lines/exact-json.ts';
import { CsvRows } from '../../lib/tables/csv-rows.ts';
import { readJsonRows } from '../../lib/tables/json-rows.ts';
import { ParquetRows } from '../../lib/tables/parquet-rows.ts';
import { type Column, tableStart } from '../../lib/tables/row.ts';
import type { TableState } from '../transport/batch-state.ts';
import { tableBytesOf } from '../transport/input-file.ts';
import { openTable } from '../transport/result-table.ts';
import type { Transport } from '../transport/transport.ts';
import type { RowSource } from './formatted-rows.ts';

/** What the results table has of its own, in CSV as elsewhere, are numbers. */
const numbers: ReadonlySet<string> = new Set(['_input_tokens', '_output_tokens', '_cost_usd']);

/**
 * The rows of a results table, to be written in another format.
 *
 * @param use is called with them, while they can be read.
 */
export async function withTableRows<Result>(
  transport: Pick<Transport, 'open'>,
  table: TableState,
  use: (source: RowSource) => Promise<Result>,
): Promise<Result> {
  switch (table.format) {
    case 'csv': {
      const columns = (await csvColumns(transport, table)).map((name): Column => {
        return { name, type: numbers.has(name) ? 'unknown' : 'text' };
      });
      return use({ columns, printed: [], rows: () => csvRows(transport, table) });
    }
    case 'jsonl': {
      const columns = await jsonColumns(transport, table);
      return use({ columns, printed: [], rows: () => jsonRows(transport, table, columns) });
    }
    case 'parquet':
      return withParquetRows(transport, table, use);
  }
}

async function csvColumns(transport: Pick<Transport, 'open'>, table: TableState): Promise<readonly string[]> {
  const csv = new CsvRows({ delimiter: ',', columns: null });
  const { chunks } = await openTable(transport, table);
  for await (const _rows of csv.read(chunks, null)) if (csv.columns !== null) break;
  return csv.columns ?? [];
}

async function* csvRows(transport: Pick<Transport, 'open'>, table: TableState): AsyncGenerator<unknown[]> {
  const csv = new CsvRows({ delimiter: ',', columns: null });
  const { chunks } = await openTable(transport, table);
  for await (const { rows } of csv.read(chunks, null))
    for (const { cells } of rows) yield [...cells].map(([name, text]) => cellOf(name, String(text)));
}

/** CSV has no null: what is empty counts as one. */
function cellOf(name: string, text: string): unknown {
  if (text === '') return null;
  return numbers.has(name) ? numberSpelled(text) : text;
}

async function jsonColumns(transport: Pick<Transport, 'open'>, table: TableState): Promise<Column[]> {
  const names = new Set<string>();
  for await (const cells of jsonCells(transport, table)) for (const name of cells.keys()) names.add(name);
  return [...names].map((name) => ({ name, type: 'unknown' }));
}

async function* jsonRows(
  transport: Pick<Transport, 'open'>,
  table: TableState,
  columns: readonly Column[],
): AsyncGenerator<unknown[]> {
  for await (const cells of jsonCells(transport, table)) yield columns.map(({ name }) => cells.get(name) ?? null);
}

async function* jsonCells(
  transport: Pick<Transport, 'open'>,
  table: TableState,
): AsyncGenerator<ReadonlyMap<string, unknown>> {
  const { chunks } = await openTable(transport, table);
  for await (const { rows } of readJsonRows(chunks, tableStart)) for (const { cells } of rows) yield cells;
}

/** Parquet is read here and there, so its parts are fetched first. */
async function withParquetRows<Result>(
  transport: Pick<Transport, 'open'>,
  { parts }: TableState,
  use: (source: RowSource) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'batchdrop-table-'));
  try {
    const paths: string[] = [];
    for (const [place, { reference }] of parts.entries()) {
      const path = join(folder, `part-${place}.parquet`);
      await pipeline((await transport.open(reference)).chunks, createWriteStream(path));
      paths.push(path);
    }
    const open = async (path: string) =>
      ParquetRows.open(tableBytesOf({ path, name: path, bytes: (await stat(path)).size }), null);
    const [first = ''] = paths;
    const { columns } = await open(first);
    const rows = async function* (): AsyncGenerator<unknown[]> {
      for (const path of paths)
        for await (const { rows: some } of (await open(path)).read(tableStart))
          for (const { kept } of some) {
            const values: unknown = parseExact(kept);
            yield Array.isArray(values) ? values : [];
          }
    };
    return await use({ columns, printed: [], rows });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
