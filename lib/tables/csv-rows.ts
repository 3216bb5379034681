import { isUtf8 } from 'node:buffer';
import { CsvError, type Info, Parser } from 'csv-parse';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import { maxColumns, maxRowBytes, type ReadRows, type RowPosition, type TableRow, tableStart } from './row.ts';

export interface CsvOptions {
  delimiter: string;
  /** The columns of a table without a header; null where its first record names them. */
  columns: readonly string[] | null;
}

/** Where an earlier run stopped, and what it knew. */
export interface CsvStart {
  position: RowPosition;
  columns: readonly string[];
}

/**
 * Reads a table of text by RFC 4180: quoted cells may hold delimiters, quotes and newlines. Cells are texts as they stood. A row
 * with too few or too many cells is a problem of its own; quotes that do not close are one of the whole table.
 */
export class CsvRows {
  readonly #options: CsvOptions;
  #columns: readonly string[] | null;

  constructor(options: CsvOptions) {
    this.#options = options;
    this.#columns = options.columns;
  }

  /** In the table's order; null before the header was read. */
  get columns(): readonly string[] | null {
    return this.#columns;
  }

  /**
   * @param chunks the table's bytes from the start's position on.
   * @param start null for the table's beginning.
   * @throws InvalidInputError `invalid_table`
   */
  async *read(chunks: AsyncIterable<Uint8Array>, start: CsvStart | null): AsyncGenerator<ReadRows> {
    const position = start?.position ?? tableStart;
    this.#columns = start?.columns ?? (this.#options.columns && columnsOf(this.#options.columns));
    const utf8 = new Utf8Check();
    let rows: TableRow[] = [];
    let next = position;
    let number = position.lineNumber;
    const parser = new Parser({
      delimiter: this.#options.delimiter,
      bom: start === null,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: maxRowBytes,
      info: false,
      on_record: (cells: string[], { bytes }: Info) => {
        const byteOffset = position.byteOffset + bytes;
        if (this.#columns === null) this.#columns = columnsOf(cells);
        else {
          rows.push(rowOf(number, cells, this.#columns));
          number += 1;
        }
        next = { byteOffset, lineNumber: number };
        return null;
      },
    });
    // What it fails with stands in `errored` at once, and is emitted later.
    parser.on('error', () => undefined);
    parser.resume();
    const taken = () => {
      const read = { rows, next };
      rows = [];
      return read;
    };
    for await (const chunk of chunks) {
      if (!utf8.holds(chunk))
        throw invalidTable(`After row ${number - 1} stand bytes that are not UTF-8. Save the table in UTF-8.`);
      parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (rows.length > 0) yield taken();
      assertReadable(parser, number);
    }
    parser.end();
    if (!parser.closed) await new Promise((resolve) => parser.once('close', resolve));
    if (rows.length > 0) yield taken();
    assertReadable(parser, number);
  }
}

/** Looks for bytes that are no UTF-8; a character may stand in two chunks. */
class Utf8Check {
  #rest: Buffer = Buffer.alloc(0);

  holds(chunk: Uint8Array): boolean {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const cut = startOfLastCharacter(bytes);
    this.#rest = Buffer.from(bytes.subarray(cut));
    return isUtf8(bytes.subarray(0, cut)) && this.#rest.length < maxCharacterBytes;
  }
}

const maxCharacterBytes = 4;

/** Where a character begins that the bytes do not end. */
function startOfLastCharacter(bytes: Uint8Array): number {
  for (let back = 1; back < maxCharacterBytes && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return lengthOfCharacter(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function lengthOfCharacter(first: number): number {
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}

/** @throws InvalidInputError where the parser has failed. */
function assertReadable({ errored }: Parser, number: number): void {
  if (errored === null) return;
  if (!(errored instanceof CsvError)) throw errored;
  const reason =
    errored.code === 'CSV_MAX_RECORD_SIZE'
      ? `it has more than 16 MiB (${maxRowBytes} bytes), or a quote is not closed`
      : messageOf(errored);
  const message = `Row ${number} cannot be read: ${reason}. Quote cells by RFC 4180 ("a ""quoted"" word").`;
  throw invalidTable(message, errored);
}

/** Of cells that are too many. */
const shownCharacters = 1_000;

function rowOf(number: number, cells: string[], columns: readonly string[]): TableRow {
  const kept = JSON.stringify(cells);
  const named = new Map<string, unknown>();
  for (let place = 0; place < columns.length && place < cells.length; place += 1)
    named.set(columns[place] ?? '', cells[place]);
  if (cells.length === columns.length) return { number, cells: named, kept, problem: null };
  const beyond = cells.slice(columns.length);
  // They stand nowhere else: the results table has the header's columns.
  const lost = beyond.length === 0 ? '' : ` Beyond them: ${JSON.stringify(beyond).slice(0, shownCharacters)}`;
  const message = `Row ${number} has ${cells.length} cells, but the table has ${columns.length} columns.${lost}`;
  return { number, cells: named, kept, problem: { code: 'invalid_row', message, param: null } };
}

/**
 * A header without names in some places is common (an index that pandas writes): those are called by their place.
 *
 * @throws InvalidInputError for two columns of one name.
 */
function columnsOf(header: readonly string[]): string[] {
  if (header.length > maxColumns)
    throw invalidTable(`The table has ${header.length} columns; at most ${maxColumns} are accepted.`);
  const columns = header.map((name, place) => (name.trim() === '' ? `column_${place + 1}` : name));
  const seen = new Map<string, number>();
  for (const [place, name] of columns.entries()) {
    const earlier = seen.get(name);
    if (earlier !== undefined)
      throw invalidTable(
        `Columns ${earlier + 1} and ${place + 1} are both called '${name.slice(0, 100)}'. Give each its own name.`,
      );
    seen.set(name, place);
  }
  return columns;
}

export function invalidTable(message: string, cause?: unknown): InvalidInputError {
  return new InvalidInputError('invalid_table', message, { param: 'file', cause });
}
