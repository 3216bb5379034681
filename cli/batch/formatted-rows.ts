import type { OutputFormat } from '../../lib/records/table-kind.ts';
import { widened } from '../../lib/tables/json-type.ts';
import { resultTableOf } from '../../lib/tables/result-columns.ts';
import { type Column, cellText } from '../../lib/tables/row.ts';
import { CsvEncoder, JsonLinesEncoder, type TableEncoder, type TableForm } from '../../lib/tables/table-encoder.ts';
import type { ResultFormat } from './result-format.ts';

/** Rows that can be read as often as it takes. */
export interface RowSource {
  /** A column whose type is `unknown` has the type that its values have. */
  columns: readonly Column[];
  /** The columns that `text` prints, by their places. */
  printed: readonly number[];
  rows(): AsyncIterable<readonly unknown[]>;
}

/** Writes rows in a format, piece by piece. */
export async function* formattedRows(source: RowSource, format: ResultFormat): AsyncGenerator<Uint8Array> {
  if (format === 'text') {
    for await (const row of source.rows())
      yield Buffer.from(`${source.printed.map((at) => oneLine(row[at])).join('\t')}\n`);
    return;
  }
  const columns = resultTableOf(format === 'parquet' ? await typedColumns(source) : source.columns);
  const encoder = await encoderOf(format, { columns, hasJsonRows: false, escapesFormulas: false });
  for await (const input of source.rows()) {
    const piece = encoder.add({ kept: null, input, values: [] });
    if (piece) yield piece;
  }
  yield encoder.finish();
}

/** A text on one line: a newline is `\n`, a return `\r`, a tab `\t` and a backslash `\\`. */
function oneLine(value: unknown): string {
  return cellText(value).replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character);
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Parquet says of what type a column is before its first value. */
async function typedColumns({ columns, rows }: RowSource): Promise<readonly Column[]> {
  if (columns.every(({ type }) => type !== 'unknown')) return columns;
  const types = columns.map(({ type }) => type);
  for await (const row of rows())
    for (const [place, { type }] of columns.entries())
      if (type === 'unknown') types[place] = widened(types[place] ?? 'unknown', row[place]);
  return columns.map((column, place) => ({ ...column, type: types[place] ?? 'unknown' }));
}

async function encoderOf(format: OutputFormat, form: TableForm): Promise<TableEncoder> {
  switch (format) {
    case 'csv':
      return new CsvEncoder(form);
    case 'jsonl':
      return new JsonLinesEncoder(form);
    case 'parquet': {
      const { ParquetEncoder } = await import('../../lib/tables/parquet-encoder.ts');
      return new ParquetEncoder(form);
    }
  }
}
