import { styleText } from 'node:util';

/** A column of a table that fits its terminal. */
export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  /** Numbers stand at the right. */
  isNumber?: boolean;
  /** The width to which a terminal that is too narrow cuts it; without one it is never cut. */
  minWidth?: number;
  /** Of the columns that a narrow terminal has no room for, the one with the highest number goes first; without one it never goes. */
  dropOrder?: number;
}

const gap = 2;

/**
 * Lines up rows below a header, within a width: long columns are cut first, then the columns go that matter least.
 *
 * @param width in characters; infinite where nobody looks at a terminal.
 */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string[] {
  const natural = columns.map(({ title, cell }) => Math.max(title.length, ...rows.map((row) => cell(row).length)));
  const widths = cutWidths(columns, natural, width);
  if (widths === null) return table(rows, withoutLeast(columns), width);
  const line = (cells: readonly string[]) =>
    cells
      .map((text, place) => padded(text, widths[place] ?? 0, columns[place]?.isNumber ?? false))
      .join(' '.repeat(gap))
      .trimEnd();
  const header = line(columns.map(({ title }) => title));
  return [styleText('dim', header), ...rows.map((row) => line(columns.map(({ cell }) => cell(row))))];
}

/** @returns null where the columns do not fit, and one of them may go. */
function cutWidths<Row>(
  columns: readonly Column<Row>[],
  natural: readonly number[],
  width: number,
): readonly number[] | null {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, gap * (columns.length - 1)) - width;
  while (excess > 0) {
    const place = widestThatCanBeCut(columns, widths);
    if (place === null) return columns.some(({ dropOrder }) => dropOrder !== undefined) ? null : widths;
    widths[place] = (widths[place] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function widestThatCanBeCut<Row>(columns: readonly Column<Row>[], widths: readonly number[]): number | null {
  let widest: number | null = null;
  for (const [place, { minWidth }] of columns.entries()) {
    const width = widths[place] ?? 0;
    if (minWidth === undefined || width <= minWidth) continue;
    if (widest === null || width > (widths[widest] ?? 0)) widest = place;
  }
  return widest;
}

function withoutLeast<Row>(columns: readonly Column<Row>[]): readonly Column<Row>[] {
  const least = Math.max(...columns.map(({ dropOrder = -1 }) => dropOrder));
  return columns.filter(({ dropOrder }) => dropOrder !== least);
}

function padded(text: string, width: number, isNumber: boolean): string {
  const cut = text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
  return isNumber ? cut.padStart(width) : cut.padEnd(width);
}

/** The width of the terminal that standard output is; infinite for a pipe or file. */
export function outputWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}
