/** One line of a report; null where a column does not apply. */
export interface Row {
  case: string;
  megabytesPerSecond: number | null;
  timesParseOnly: number | null;
  /** The same of the processors' time, which what else the machine does leaves alone. */
  timesParseOnlyCpu: number | null;
  timesUnordered: number | null;
  timesCopy: number | null;
  peakRssMegabytes: number | null;
}

const columns = [
  ['MB/s', 'megabytesPerSecond', 0],
  ['x parse-only', 'timesParseOnly', 2],
  ['x parse CPU', 'timesParseOnlyCpu', 2],
  ['x unordered', 'timesUnordered', 2],
  ['x copy', 'timesCopy', 2],
  ['peak RSS MB', 'peakRssMegabytes', 0],
] as const;

/** A title, the member of the row that stands below it, and its digits after the point. */
type Column<Key extends string> = readonly [title: string, key: Key, digits: number];

export type RowOf<Key extends string> = { case: string } & Record<Key, number | null>;

/** A table, or one JSON object a line. */
export function printReport(rows: readonly Row[], json: boolean): void {
  printColumns(columns, rows, json);
}

/** The same for a bench with columns of its own. */
export function printColumns<Key extends string>(
  columns: readonly Column<Key>[],
  rows: readonly RowOf<Key>[],
  json: boolean,
): void {
  const lines = json ? rows.map((row) => JSON.stringify(rounded(columns, row))) : table(columns, rows);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function rounded<Key extends string>(columns: readonly Column<Key>[], row: RowOf<Key>): object {
  const shown = columns.map(([, key, digits]) => [key, roundedTo(row[key], digits)] as const);
  return { case: row.case, ...Object.fromEntries(shown) };
}

function roundedTo(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}

function table<Key extends string>(columns: readonly Column<Key>[], rows: readonly RowOf<Key>[]): string[] {
  const width = Math.max(...rows.map((row) => row.case.length)) + 2;
  const head = ['case'.padEnd(width), ...columns.map(([title]) => title.padStart(14))].join('');
  return [
    head,
    ...rows.map((row) => row.case.padEnd(width) + columns.map(([, key, digits]) => cell(row[key], digits)).join('')),
  ];
}

function cell(value: number | null, digits: number): string {
  return (value === null ? '-' : value.toFixed(digits)).padStart(14);
}
