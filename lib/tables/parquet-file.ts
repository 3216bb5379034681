import { type ColumnMetaData, type FileMetaData, parquetMetadata, parquetSchema, type SchemaTree } from 'hyparquet';
import type { ColumnDecoder } from 'hyparquet/src/types.js';
import { messageOf } from '../records/errors.ts';
import { invalidTable } from './csv-rows.ts';
import { compressors } from './parquet-codecs.ts';
import type { ParquetType } from './parquet-type.ts';
import { typeOfElement } from './parquet-values.ts';
import { maxColumns } from './row.ts';
import type { TableBytes } from './table-bytes.ts';

/** One physical column: of a list or a struct there are several. */
export interface Leaf {
  /** As the file's parts name it. */
  path: string;
  type: ParquetType;
  schemaPath: SchemaTree[];
}

/** A column of the table. */
export interface ParquetColumn {
  name: string;
  type: ParquetType;
  tree: SchemaTree;
  leaves: readonly Leaf[];
}

/** Rows that the file holds together, and where the parts of its columns lie. */
export interface RowGroup {
  /** The first byte of any of its columns. */
  firstByte: number;
  rows: number;
  /** By the column's path. */
  chunks: ReadonlyMap<string, ColumnMetaData>;
}

export interface ParquetFile {
  columns: readonly ParquetColumn[];
  groups: readonly RowGroup[];
}

/** What a file says of itself. 10,000 columns in a hundred row groups are some 100 MB, so such a file needs fewer of either. */
const maxFooterBytes = 64 * 1024 * 1024;
/** Enough for the footers of most files: one read in place of two. */
const usualFooterBytes = 64 * 1024;
const tailBytes = 8;

/**
 * Reads what a Parquet file says of itself.
 *
 * @throws InvalidInputError `invalid_table`
 */
export async function readParquetFile(source: TableBytes): Promise<ParquetFile> {
  const tail = await readEnd(source, usualFooterBytes);
  const magic = tail.toString('latin1', tail.length - 4);
  if (magic === 'PARE') throw encrypted();
  if (tail.length < 12 || magic !== 'PAR1')
    throw invalidTable(
      'The table does not end as a Parquet file does: it was cut. Write it again, or upload it again.',
    );
  const footerBytes = tail.readUInt32LE(tail.length - tailBytes) + tailBytes;
  if (footerBytes > maxFooterBytes)
    throw invalidTable(
      `The footer of the Parquet file has ${footerBytes} bytes; at most ${maxFooterBytes} are read. Write it with fewer columns, or larger row groups.`,
    );
  const footer = footerBytes <= tail.length ? tail : await readEnd(source, footerBytes);
  return decodedOrRefused('The footer of the Parquet file cannot be read', () => described(parsed(footer)));
}

async function readEnd({ bytes, between }: TableBytes, count: number): Promise<Buffer> {
  return between(Math.max(0, bytes - count), bytes);
}

function parsed(footer: Buffer): FileMetaData {
  // Statistics are not read, and may be cut texts.
  return parquetMetadata(footer, { parsers: silentParsers, geoparquet: false });
}

/**
 * Runs what decodes bytes of the file.
 *
 * @throws InvalidInputError `invalid_table` for whatever goes wrong: nothing else but the bytes can be to blame.
 */
export function decodedOrRefused<Result>(what: string, decode: () => Result): Result {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Error && error.name === 'InvalidInputError') throw error;
    throw invalidTable(`${what}: ${messageOf(error)}. Write it again, or upload it again.`, error);
  }
}

function described(metadata: FileMetaData): ParquetFile {
  const root = parquetSchema({ schema: metadata.schema.map(withoutMeaning) });
  if (root.children.length > maxColumns)
    throw invalidTable(`The table has ${root.children.length} columns; at most ${maxColumns} are accepted.`);
  const elements = new Map(parquetSchema(metadata).children.map((child) => [child.element.name, child]));
  const columns = root.children.map((tree) => columnOf(tree, elements.get(tree.element.name) ?? tree, [root]));
  const names = new Set(columns.map(({ name }) => name));
  if (names.size < columns.length) throw invalidTable('Two columns of the table have one name. Give each its own.');
  return { columns, groups: metadata.row_groups.map(groupOf) };
}

/**
 * A column of single values keeps its physical type alone, so that the decoder changes no value. Lists and maps are told by
 * their older names, which some files lack.
 */
function withoutMeaning(element: SchemaTree['element']): SchemaTree['element'] {
  const { converted_type: converted, logical_type: logical, ...physical } = element;
  if (element.type !== undefined && !element.num_children) return physical;
  if (logical?.type === 'LIST' || logical?.type === 'MAP') return { ...physical, converted_type: logical.type };
  return converted === undefined ? physical : { ...physical, converted_type: converted };
}

function columnOf(tree: SchemaTree, meant: SchemaTree, above: SchemaTree[]): ParquetColumn {
  const { name } = tree.element;
  if (holdsVariant(meant))
    throw invalidTable(`Column '${name}' has Parquet's type VARIANT, which is not read. Write it as JSON text.`);
  const leaves = leavesOf(tree, meant, above);
  const [only] = leaves;
  const isFlat = tree.children.length === 0 && tree.element.repetition_type !== 'REPEATED';
  return { name, type: isFlat && only ? only.type : { is: 'nested' }, tree, leaves };
}

function holdsVariant({ element, children }: SchemaTree): boolean {
  return element.logical_type?.type === 'VARIANT' || children.some(holdsVariant);
}

function leavesOf(tree: SchemaTree, meant: SchemaTree, above: SchemaTree[]): Leaf[] {
  const schemaPath = [...above, tree];
  if (tree.children.length > 0)
    return tree.children.flatMap((child, place) => leavesOf(child, meant.children[place] ?? child, schemaPath));
  const type = typeOfElement(meant.element);
  if (type === null) throw new Error(`column ${tree.path.join('.')} is of an unknown type`);
  return [{ path: pathText(tree.path), type, schemaPath }];
}

/** A name may hold a point. */
function pathText(path: readonly string[]): string {
  return path.join('\0');
}

function groupOf({ columns, num_rows: rows }: FileMetaData['row_groups'][number]): RowGroup {
  const chunks = new Map<string, ColumnMetaData>();
  let firstByte = Number.POSITIVE_INFINITY;
  for (const { meta_data: chunk, crypto_metadata: crypto, file_path: file } of columns) {
    if (!chunk || crypto) throw encrypted();
    if (file) throw invalidTable('Columns of the Parquet file lie in other files. Write it as one file.');
    chunks.set(pathText(chunk.path_in_schema), chunk);
    firstByte = Math.min(firstByte, rangeOf(chunk).start);
  }
  return { firstByte: Number.isFinite(firstByte) ? firstByte : 0, rows: Number(rows), chunks };
}

/** Where a column's part of a row group lies. */
export function rangeOf(chunk: ColumnMetaData): { start: number; end: number } {
  const { data_page_offset: data, dictionary_page_offset: dictionary, total_compressed_size: bytes } = chunk;
  // Some writers name a dictionary at 0 where there is none.
  const start = Number(dictionary && dictionary < data ? dictionary : data);
  return { start, end: start + Number(bytes) };
}

function encrypted(): Error {
  return invalidTable('The Parquet file is encrypted. Write it without encryption.');
}

/** How the pages of a column are decoded: to the values that the file holds. */
export function decoderOf(
  { schemaPath }: Leaf,
  { type, codec, path_in_schema: pathInSchema }: ColumnMetaData,
): ColumnDecoder {
  const element = schemaPath.at(-1)?.element ?? { name: '' };
  return { pathInSchema, type, element, schemaPath, codec, parsers: silentParsers, compressors, utf8: false };
}

/** Of these the decoder asks one alone: for INT96, whose values are nanoseconds then. */
export const silentParsers = {
  timestampFromMilliseconds: () => undefined,
  timestampFromMicroseconds: () => undefined,
  timestampFromNanoseconds: (nanoseconds: bigint) => nanoseconds,
  dateFromDays: () => undefined,
  stringFromBytes: () => undefined,
  jsonFromBytes: () => undefined,
  geometryFromBytes: () => undefined,
  geographyFromBytes: () => undefined,
  uuidFromBytes: () => undefined,
};
