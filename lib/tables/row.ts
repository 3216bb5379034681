import { z } from 'zod';
import { keptTypeSchema } from './parquet-type.ts';

/**
 * What the values of a column are; each may be missing. A table of text has texts. Of JSON rows it is what all values are: `long`
 * for whole numbers beyond 2^53, `json` where they have several types, and `unknown` where there is none.
 */
export const columnSchema = z.object({
  name: z.string(),
  type: z.enum(['unknown', 'text', 'integer', 'long', 'number', 'boolean', 'json']),
  /** What a Parquet file declares, where that is more. */
  parquet: keptTypeSchema.optional(),
});
export type Column = z.infer<typeof columnSchema>;

/** Columns of a table, at most. */
export const maxColumns = 10_000;

/** The longest row, in bytes: one request line holds no more. */
export const maxRowBytes = 16 * 1024 * 1024;

/** One row of a table, as far as it could be read. */
export interface TableRow {
  /** Place among the rows, from 1; a header does not count. */
  number: number;
  /** By the column's name; only those that the row has. Values of JSON rows are JSON, numbers in their own spelling. */
  cells: ReadonlyMap<string, unknown>;
  /** The row as it is kept, in JSON: an array of cells in the order of the columns, or the row's own JSON object. */
  kept: string;
  /** Why nothing can be made of it; null where it is whole. */
  problem: RowProblem | null;
}

export interface RowProblem {
  code: string;
  message: string;
  /** The column, where one is to blame. */
  param: string | null;
}

/** Where the next row begins. */
export interface RowPosition {
  byteOffset: number;
  /** The number of the row that begins there. */
  lineNumber: number;
}

export const tableStart: RowPosition = { byteOffset: 0, lineNumber: 1 };

/** Rows that were read together, and where the next ones begin. */
export interface ReadRows {
  rows: TableRow[];
  next: RowPosition;
}

/** Values as a template sees them, and as a table of text has them: numbers in their own spelling, JSON for what has parts. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '';
}
