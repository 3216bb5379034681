import type { DecodedArray } from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { invalidTable } from './csv-rows.ts';
import { type HeldPages, LeafCursor, type ReadRange } from './parquet-column.ts';
import {
  type Leaf,
  type ParquetColumn,
  type ParquetFile,
  type RowGroup,
  rangeOf,
  readParquetFile,
  silentParsers,
} from './parquet-file.ts';
import type { ParquetType } from './parquet-type.ts';
import { jsonOf, UnreadableValueError } from './parquet-values.ts';
import { type Column, maxRowBytes, type ReadRows, type RowPosition, type RowProblem, type TableRow } from './row.ts';
import type { TableBytes } from './table-bytes.ts';

/** A column that the results table cannot declare as the input does. */
export interface ChangedColumn {
  name: string;
  /** The rest of a sentence that begins with the column. */
  change: string;
}

/** Read at a time, all columns together: few requests, and little to hold. */
const stretchBytes = 64 * 1024 * 1024;
const maxColumnStretchBytes = 8 * 1024 * 1024;
const minColumnStretchBytes = 64 * 1024;
/** A row group of at most so many bytes is read at once. */
const smallGroupBytes = 8 * 1024 * 1024;

/** What is given at a time. */
const maxRowsAtATime = 1_000;
const maxCharactersAtATime = 4 * 1024 * 1024;

/**
 * Reads Apache Parquet: a row group at a time, and of each column a page at a time, since writers make row groups of a gigabyte.
 * Values are JSON with exact numbers; times are texts in ISO 8601, and bytes are base64.
 */
export class ParquetRows {
  readonly #source: TableBytes;
  readonly #groups: readonly RowGroup[];
  readonly #columns: readonly ParquetColumn[];

  private constructor(source: TableBytes, groups: readonly RowGroup[], columns: readonly ParquetColumn[]) {
    this.#source = source;
    this.#groups = groups;
    this.#columns = columns;
  }

  /**
   * @param wanted columns that are read, in this order; null for all.
   * @throws InvalidInputError `invalid_table`
   */
  static async open(source: TableBytes, wanted: readonly string[] | null): Promise<ParquetRows> {
    const { columns, groups }: ParquetFile = await readParquetFile(source);
    const chosen = wanted?.map((name) => {
      const column = columns.find((one) => one.name === name);
      if (!column) throw invalidTable(`The table has no column '${name}', which the option columns names.`);
      return column;
    });
    return new ParquetRows(source, groups, chosen ?? columns);
  }

  get columns(): Column[] {
    return this.#columns.map(({ name, type }) => ({ name, ...storedType(type) }));
  }

  get changedColumns(): ChangedColumn[] {
    return this.#columns.flatMap(({ name, type }) => {
      const change = changeOf(type);
      return change === null ? [] : [{ name, change }];
    });
  }

  /** @throws InvalidInputError `invalid_table` */
  async *read(position: RowPosition): AsyncGenerator<ReadRows> {
    let first = 1;
    for (const group of this.#groups) {
      const skip = Math.max(0, position.lineNumber - first);
      if (skip < group.rows) yield* this.#readGroup(group, first, skip);
      first += group.rows;
    }
  }

  /** @param first the number of the group's first row. */
  async *#readGroup(group: RowGroup, first: number, skip: number): AsyncGenerator<ReadRows> {
    const held: HeldPages = { bytes: 0 };
    const columns = await this.#openColumns(group, skip, held);
    const cursors = columns.flatMap((column) => column.cursors);
    for (let row = skip; row < group.rows; ) {
      await Promise.all(cursors.map((cursor) => cursor.fill()));
      const ready = Math.min(maxRowsAtATime, group.rows - row, ...cursors.map((cursor) => cursor.ready));
      if (ready === 0)
        throw invalidTable(
          `Row ${first + row} of the Parquet file has no values: a column of its row group is too short.`,
        );
      const rows = rowsOf(columns, first + row, ready);
      for (const cursor of cursors) cursor.pass(rows.length);
      row += rows.length;
      yield { rows, next: { byteOffset: group.firstByte, lineNumber: first + row } };
    }
  }

  async #openColumns(group: RowGroup, skip: number, held: HeldPages): Promise<OpenColumn[]> {
    const chunkOf = ({ path }: Leaf) => {
      const chunk = group.chunks.get(path);
      if (!chunk)
        throw invalidTable(`A row group of the Parquet file lacks the column '${path.replaceAll('\0', '.')}'.`);
      return chunk;
    };
    const leaves = this.#columns.flatMap((column) => column.leaves);
    const read = await this.#readerOf(leaves.map((leaf) => rangeOf(chunkOf(leaf))));
    const each = stretchBytes / Math.max(1, leaves.length);
    const stretch = Math.floor(Math.min(maxColumnStretchBytes, Math.max(minColumnStretchBytes, each)));
    return this.#columns.map((column) => ({
      column,
      cursors: column.leaves.map(
        (leaf) => new LeafCursor(leaf, chunkOf(leaf), read, { skip, stretchBytes: stretch, held }),
      ),
    }));
  }

  async #readerOf(ranges: readonly { start: number; end: number }[]): Promise<ReadRange> {
    const { bytes, between } = this.#source;
    const start = Math.min(...ranges.map((range) => range.start));
    const end = Math.max(...ranges.map((range) => range.end));
    if (!(start >= 0 && end <= bytes && ranges.every((range) => range.start <= range.end)))
      throw invalidTable(
        'A row group of the Parquet file lies outside of it: it was cut. Write it again, or upload it again.',
      );
    if (end - start > smallGroupBytes) return between;
    const group = await between(start, end);
    return async (from, to) => group.subarray(from - start, to - start);
  }
}

interface OpenColumn {
  column: ParquetColumn;
  cursors: readonly LeafCursor[];
}

/** @returns at least one row, and no more than may be held as text. */
function rowsOf(columns: readonly OpenColumn[], first: number, ready: number): TableRow[] {
  const rows: TableRow[] = [];
  let characters = 0;
  for (let offset = 0; offset < ready && characters < maxCharactersAtATime; offset += 1) {
    const row = rowOf(columns, first + offset, offset);
    rows.push(row);
    characters += row.kept.length;
  }
  return rows;
}

function rowOf(columns: readonly OpenColumn[], number: number, offset: number): TableRow {
  const cells = new Map<string, unknown>();
  let problem: RowProblem | null = null;
  for (const { column, cursors } of columns) {
    const value = cellOf(column, cursors, offset);
    if (value instanceof UnreadableValueError) {
      const { name } = column;
      problem ??= { code: 'invalid_row', message: `Row ${number}: column '${name}' ${value.message}.`, param: name };
    }
    cells.set(column.name, value instanceof UnreadableValueError ? null : value);
  }
  const kept = JSON.stringify([...cells.values()]);
  if (kept.length <= maxRowBytes / 4 || Buffer.byteLength(kept) <= maxRowBytes) return { number, cells, kept, problem };
  const message = `Row ${number} has more than 16 MiB (${maxRowBytes} bytes).`;
  return { number, cells: new Map(), kept: '[]', problem: { code: 'invalid_row', message, param: null } };
}

function cellOf({ type, tree, leaves }: ParquetColumn, cursors: readonly LeafCursor[], offset: number): unknown {
  try {
    const [only] = cursors;
    if (type.is !== 'nested') {
      const value = only?.valueAt(offset) ?? null;
      return value === null ? null : jsonOf(value, type);
    }
    const values = new Map<string, DecodedArray>();
    for (const [place, { schemaPath, type: of }] of leaves.entries())
      values.set(schemaPath.at(-1)?.path.join('.') ?? '', [deepJson(cursors[place]?.valueAt(offset), of)]);
    assembleNested(values, tree, silentParsers);
    return values.get(tree.path.join('.'))?.[0] ?? null;
  } catch (error) {
    if (error instanceof UnreadableValueError) return error;
    if (error instanceof InvalidInputError) throw error;
    // Nothing else but the bytes can be to blame.
    return new UnreadableValueError(`holds a value that is not of its type (${messageOf(error)})`);
  }
}

/** Of a list the values stand in arrays, as deep as the list. */
function deepJson(value: unknown, type: ParquetType): unknown {
  if (Array.isArray(value)) return value.map((item) => deepJson(item, type));
  if (value === undefined) throw new UnreadableValueError('has fewer values than it says');
  if (value === null) return null;
  const json = jsonOf(value, type);
  if (json === '__proto__') throw new UnreadableValueError('holds the text __proto__ within a list or a map');
  return json;
}

/** What the results table is told of a column. */
function storedType(type: ParquetType): Omit<Column, 'name'> {
  switch (type.is) {
    case 'nested':
      return { type: 'json' };
    case 'legacy-timestamp':
    case 'interval':
      return { type: 'text' };
    case 'text':
      return type.as === 'STRING' ? { type: 'text' } : { type: 'text', parquet: type };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return type.bits === 64 && type.signed ? { type: 'long' } : { type: 'integer', parquet: type };
    case 'decimal':
    case 'half':
    case 'float':
    case 'double':
      return { type: 'number', parquet: type };
    case 'date':
    case 'time':
    case 'timestamp':
    case 'uuid':
    case 'binary':
      return { type: 'text', parquet: type };
  }
}

/** @returns null where the results table declares the column as the input does. */
function changeOf(type: ParquetType): string | null {
  if (type.is === 'nested') return 'is a list, a map or a struct, and comes back as JSON text';
  if (type.is === 'legacy-timestamp') return 'is of the type INT96, and comes back as text in ISO 8601';
  if (type.is === 'interval') return 'is of the type INTERVAL, and comes back as text in ISO 8601';
  return type.is === 'binary' && type.as !== null ? `is of the type ${type.as}, and comes back as plain bytes` : null;
}
