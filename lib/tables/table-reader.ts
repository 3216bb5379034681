import type { Line, OverlongLine } from '../lines/jsonl.ts';
import type { TableKind } from '../records/table-kind.ts';
import { CsvRows } from './csv-rows.ts';
import { readJsonRows } from './json-rows.ts';
import type { ChangedColumn } from './parquet-rows.ts';
import type { Column, ReadRows, RowPosition, TableRow } from './row.ts';
import type { TableBytes } from './table-bytes.ts';
import type { RowTemplate } from './template.ts';

/** How a table is to be read. */
export interface TableLayout {
  kind: TableKind;
  /** Of a table of text; without it what is usual for its kind. */
  delimiter?: string | undefined;
  /** The columns of a table of text without a header; of Parquet those that are read. */
  columns?: readonly string[] | undefined;
}

/** Rows, the request lines that were made of them, and where the next row begins. */
export interface MadeLines {
  rows: TableRow[];
  lines: (Line | OverlongLine)[];
  next: RowPosition;
}

/** Reads a table row by row, and makes a request line of each. */
export class TableReader {
  readonly #form: TableLayout;
  readonly #template: RowTemplate;
  #columns: readonly Column[] | null;
  #changed: readonly ChangedColumn[] = [];

  /** @param columns of a table whose header was read before. */
  constructor(form: TableLayout, template: RowTemplate, columns: readonly Column[] | null = null) {
    this.#form = form;
    this.#template = template;
    this.#columns = columns;
  }

  /** Null before the header was read, and for JSON rows. */
  get columns(): readonly Column[] | null {
    return this.#columns;
  }

  /** Those of a Parquet file whose type no Parquet file of ours has. */
  get changedColumns(): readonly ChangedColumn[] {
    return this.#changed;
  }

  /** @throws InvalidInputError `invalid_table`, `invalid_template` */
  async *read(source: TableBytes, position: RowPosition): AsyncGenerator<MadeLines> {
    for await (const { rows, next } of this.#rows(source, position))
      yield { rows, lines: rows.map((row) => this.#lineOf(row)), next };
  }

  #rows(source: TableBytes, position: RowPosition): AsyncGenerator<ReadRows> {
    switch (this.#form.kind) {
      case 'json':
        return readJsonRows(source.from(position.byteOffset), position);
      case 'csv':
      case 'tsv':
        return this.#textRows(source.from(position.byteOffset), position);
      case 'parquet':
        return this.#parquetRows(source, position);
    }
  }

  async *#textRows(chunks: AsyncIterable<Uint8Array>, position: RowPosition): AsyncGenerator<ReadRows> {
    const { kind, delimiter = kind === 'tsv' ? '\t' : ',', columns = null } = this.#form;
    const csv = new CsvRows({ delimiter, columns });
    const known = this.#columns?.map(({ name }) => name);
    // Who begins at the table's start reads the header again.
    const start = known && position.byteOffset > 0 ? { position, columns: known } : null;
    for await (const read of csv.read(chunks, start)) {
      this.#takeColumns(textColumns(csv.columns));
      yield read;
    }
    this.#takeColumns(textColumns(csv.columns));
  }

  async *#parquetRows(source: TableBytes, position: RowPosition): AsyncGenerator<ReadRows> {
    // Its reader is loaded by those who have such a file.
    const { ParquetRows } = await import('./parquet-rows.ts');
    const parquet = await ParquetRows.open(source, this.#form.columns ?? null);
    this.#changed = parquet.changedColumns;
    this.#takeColumns(parquet.columns);
    yield* parquet.read(position);
  }

  #takeColumns(columns: readonly Column[] | null): void {
    if (this.#columns !== null || columns === null) return;
    this.#template.assertColumns(columns.map(({ name }) => name));
    this.#columns = columns;
  }

  #lineOf(row: TableRow): Line | OverlongLine {
    const rendered = this.#template.render(row);
    if ('bytes' in rendered) return { lineNumber: row.number, bytes: rendered.bytes, isKnownUtf8: true };
    return { lineNumber: row.number, bytes: null, byteLength: 0, refusal: rendered.problem };
  }
}

function textColumns(names: readonly string[] | null): Column[] | null {
  return names?.map((name): Column => ({ name, type: 'text' })) ?? null;
}
