import type { ColumnMetaData, DecodedArray, PageHeader } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert } from 'hyparquet/src/convert.js';
import { isFlatColumn } from 'hyparquet/src/schema.js';
import type { ColumnDecoder } from 'hyparquet/src/types.js';
import { invalidTable } from './csv-rows.ts';
import { decodedOrRefused, decoderOf, type Leaf, rangeOf } from './parquet-file.ts';

/** What is held of one row group's pages at a time, all columns together. */
export interface HeldPages {
  bytes: number;
}

/** DuckDB writes pages of up to 100 MB. Twice that is held while one is decompressed. */
const maxPageBytes = 128 * 1024 * 1024;
/** Of all columns, with their dictionaries. */
const maxHeldBytes = 256 * 1024 * 1024;
/** Constant values take next to no bytes; writers put a row group of 1,048,576 rows into one page at most. */
const maxPageValues = 4 * 1024 * 1024;

/** What is done about a file that memory cannot hold. */
const smaller =
  'Write it with smaller row groups: in pandas to_parquet(..., row_group_size=10_000), in DuckDB (FORMAT parquet, ROW_GROUP_SIZE 10000)';

/** A page's header is small, but for statistics that some writers do not cut. */
const usualHeaderBytes = 4_096;
const maxHeaderBytes = 32 * 1024 * 1024;

/** Reads a range of the file. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** The bytes of a column within a row group, a stretch at a time. */
class ChunkBytes {
  readonly #read: ReadRange;
  readonly #stretchBytes: number;
  readonly #end: number;
  #next: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(read: ReadRange, { start, end }: { start: number; end: number }, stretchBytes: number) {
    this.#read = read;
    this.#next = start;
    this.#end = end;
    this.#stretchBytes = stretchBytes;
  }

  get isAtEnd(): boolean {
    return this.#held.length === 0 && this.#next >= this.#end;
  }

  /** @returns at least so many bytes where there are as many. */
  async atLeast(count: number): Promise<Buffer> {
    const missing = count - this.#held.length;
    if (missing > 0 && this.#next < this.#end) {
      const end = Math.min(this.#end, this.#next + Math.max(missing, this.#stretchBytes));
      const read = await this.#read(this.#next, end);
      this.#held = this.#held.length === 0 ? read : Buffer.concat([this.#held, read]);
      this.#next = end;
    }
    return this.#held;
  }

  pass(count: number): void {
    this.#held = this.#held.subarray(count);
  }
}

/** Gives the values of a physical column within a row group, page by page. */
export class LeafCursor {
  readonly #bytes: ChunkBytes;
  readonly #decoder: ColumnDecoder;
  readonly #held: HeldPages;
  readonly #what: string;
  readonly #isFlat: boolean;
  #dictionary: DecodedArray | undefined;
  /** Values of the page, one for each row; of a list the last may go on in the next page. */
  #values: DecodedArray = [];
  #at = 0;
  #toSkip: number;
  #pageBytes = 0;

  /**
   * @param skip rows that are not wanted.
   * @param stretchBytes how much is read at a time.
   */
  constructor(
    leaf: Leaf,
    chunk: ColumnMetaData,
    read: ReadRange,
    { skip, stretchBytes, held }: { skip: number; stretchBytes: number; held: HeldPages },
  ) {
    this.#bytes = new ChunkBytes(read, rangeOf(chunk), stretchBytes);
    this.#decoder = decoderOf(leaf, chunk);
    this.#isFlat = isFlatColumn(leaf.schemaPath);
    this.#what = `Column '${chunk.path_in_schema.join('.')}' of the Parquet file cannot be read`;
    this.#toSkip = skip;
    this.#held = held;
  }

  /** Rows whose values are here. */
  get ready(): number {
    const rows = this.#values.length - this.#at;
    return this.#isFlat || this.#bytes.isAtEnd ? rows : Math.max(0, rows - 1);
  }

  /**
   * Decodes pages until a row is there, or none is left.
   *
   * @throws InvalidInputError `invalid_table`
   */
  async fill(): Promise<void> {
    while (this.ready === 0 && !this.#bytes.isAtEnd) {
      await this.#nextPage();
      const skipped = Math.min(this.#toSkip, this.ready);
      this.#toSkip -= skipped;
      this.#at += skipped;
    }
  }

  /** @param offset of a row that is ready. */
  valueAt(offset: number): unknown {
    const value: unknown = this.#values[this.#at + offset];
    if (value === undefined) throw invalidTable(`${this.#what}: a page has fewer values than it says. Write it again.`);
    return value;
  }

  pass(rows: number): void {
    this.#at += rows;
  }

  async #nextPage(): Promise<void> {
    const header = await this.#header();
    const { compressed_page_size: size } = header;
    const isData = header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2';
    this.#assertBounded(header);
    const body = await this.#bytes.atLeast(size);
    if (body.length < size) throw invalidTable(`${this.#what}: a page ends behind its column. Write it again.`);
    const rows = this.#rowsOf(header);
    if (isData && rows !== null && rows <= this.#toSkip && this.#values.length === this.#at) this.#toSkip -= rows;
    else if (isData) this.#takeData(body, header);
    else if (header.type === 'DICTIONARY_PAGE') this.#takeDictionary(body, header);
    this.#bytes.pass(size);
  }

  async #header(): Promise<PageHeader> {
    for (let count = usualHeaderBytes; ; count *= 8) {
      const bytes = await this.#bytes.atLeast(count);
      const reader = { view: viewOf(bytes), offset: 0 };
      try {
        const header = parquetHeader(reader);
        this.#bytes.pass(reader.offset);
        return header;
      } catch (error) {
        // It may go on behind what is here.
        if (bytes.length >= count && count < maxHeaderBytes) continue;
        return decodedOrRefused(this.#what, () => {
          throw error;
        });
      }
    }
  }

  #assertBounded(header: PageHeader): void {
    const { compressed_page_size: compressed, uncompressed_page_size: uncompressed } = header;
    const values = valuesIn(header);
    const rows = header.data_page_header_v2?.num_rows ?? 0;
    // A changed byte makes another type of a number.
    if (![compressed, uncompressed, values, rows].every((count) => Number.isInteger(count) && count >= 0))
      throw invalidTable(`${this.#what}: a page's header is wrong. Write it again, or upload it again.`);
    if (Math.max(compressed, uncompressed) > maxPageBytes)
      throw invalidTable(
        `${this.#what}: a page of it has ${Math.max(compressed, uncompressed)} bytes; at most ${maxPageBytes} are held. ${smaller}.`,
      );
    if (values > maxPageValues)
      throw invalidTable(
        `${this.#what}: a page of it has ${values} values; at most ${maxPageValues} are held. ${smaller}.`,
      );
  }

  /** @returns how many rows a page has; null where its header does not say. */
  #rowsOf({ data_page_header: first, data_page_header_v2: second }: PageHeader): number | null {
    if (second) return second.num_rows;
    return first && this.#isFlat ? first.num_values : null;
  }

  #takeDictionary(body: Buffer, header: PageHeader): void {
    this.#hold(header.uncompressed_page_size);
    const decoder = this.#decoder;
    this.#dictionary = decodedOrRefused(this.#what, () => {
      const { data = [] } = readPage({ view: viewOf(body), offset: 0 }, header, decoder, undefined, undefined, 0);
      return convert(data, decoder);
    });
  }

  #takeData(body: Buffer, header: PageHeader): void {
    const values = valuesIn(header);
    if (values === 0) return;
    const encoding = (header.data_page_header ?? header.data_page_header_v2)?.encoding ?? 'PLAIN';
    if (encoding.endsWith('_DICTIONARY') && !this.#dictionary)
      throw invalidTable(`${this.#what}: its dictionary is missing. Write it again.`);
    const last: unknown[] = this.#isFlat ? [] : [...this.#values.slice(this.#at)];
    const bytes = header.uncompressed_page_size + values * 8;
    this.#hold(bytes - this.#pageBytes);
    this.#pageBytes = bytes;
    this.#values = decodedOrRefused(this.#what, () => this.#decoded(body, header, encoding, last));
    this.#at = 0;
  }

  /** @param last the row that may go on in this page. */
  #decoded(body: Buffer, header: PageHeader, encoding: string, last: unknown[]): DecodedArray {
    const reader = { view: viewOf(body), offset: 0 };
    const previous = this.#isFlat ? undefined : last;
    // The decoder takes deltas of INT32 for 32 bits, but writers put more into the first of unsigned numbers.
    const isLong = this.#decoder.type === 'INT32' && encoding === 'DELTA_BINARY_PACKED';
    const decoder = isLong ? { ...this.#decoder, type: 'INT64' as const } : this.#decoder;
    const { data = [] } = readPage(reader, header, decoder, this.#dictionary, previous, 0);
    return isLong ? Array.from(data, inInt32) : data;
  }

  #hold(bytes: number): void {
    this.#held.bytes += bytes;
    if (this.#held.bytes > maxHeldBytes)
      throw invalidTable(
        `The Parquet file has pages of which more than ${maxHeldBytes} bytes would be held at a time. ${smaller}, or name fewer columns (option columns).`,
      );
  }
}

function valuesIn({
  data_page_header: first,
  data_page_header_v2: second,
  dictionary_page_header: dictionary,
}: PageHeader) {
  return (first ?? second ?? dictionary)?.num_values ?? 0;
}

/** Numbers of 32 bits, of a list those in it. */
function inInt32(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(BigInt.asIntN(32, value));
  return Array.isArray(value) ? value.map(inInt32) : value;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
