import type { Line, OverlongLine } from '../lines/jsonl.ts';
import type { TableKind } from '../records/table-kind.ts';
import { CsvRows } from './csv-rows.ts';
import { readJsonRows } from './json-rows.ts';
import type { ReadRows, RowPosition, TableRow } from './row.ts';
import type { RowTemplate } from './template.ts';

/** How a table is to be read. */
export interface TableLayout {
  kind: TableKind;
  /** Of a table of text; without it what is usual for its kind. */
  delimiter?: string | undefined;
  /** The columns of a table of text without a header. */
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
  #columns: readonly string[] | null;

  /** @param columns of a table of text whose header was read before. */
  constructor(form: TableLayout, template: RowTemplate, columns: readonly string[] | null = null) {
    this.#form = form;
    this.#template = template;
    this.#columns = columns;
  }

  /** Those of a table of text; null before its header was read, and for JSON rows. */
  get textColumns(): readonly string[] | null {
    return this.#columns;
  }

  /**
   * @param readFrom reads the table from a byte on.
   * @throws InvalidInputError `invalid_table`, `invalid_template`
   */
  async *read(
    readFrom: (byteOffset: number) => AsyncIterable<Uint8Array>,
    position: RowPosition,
  ): AsyncGenerator<MadeLines> {
    const chunks = readFrom(position.byteOffset);
    const read = this.#form.kind === 'json' ? readJsonRows(chunks, position) : this.#textRows(chunks, position);
    for await (const { rows, next } of read) yield { rows, lines: rows.map((row) => this.#lineOf(row)), next };
  }

  async *#textRows(chunks: AsyncIterable<Uint8Array>, position: RowPosition): AsyncGenerator<ReadRows> {
    const { kind, delimiter = kind === 'tsv' ? '\t' : ',', columns = null } = this.#form;
    const csv = new CsvRows({ delimiter, columns });
    // Who begins at the table's start reads the header again.
    const start = this.#columns && position.byteOffset > 0 ? { position, columns: this.#columns } : null;
    for await (const read of csv.read(chunks, start)) {
      this.#takeColumns(csv.columns);
      yield read;
    }
    this.#takeColumns(csv.columns);
  }

  #takeColumns(names: readonly string[] | null): void {
    if (this.#columns !== null || names === null) return;
    this.#template.assertColumns(names);
    this.#columns = names;
  }

  #lineOf(row: TableRow): Line | OverlongLine {
    const rendered = this.#template.render(row);
    if ('bytes' in rendered) return { lineNumber: row.number, bytes: rendered.bytes, isKnownUtf8: true };
    return { lineNumber: row.number, bytes: null, byteLength: 0, refusal: rendered.problem };
  }
}
