/** One line of a report; null where a column does not apply. */
export interface Row {
  case: string;
  megabytesPerSecond: number | null;
  timesParseOnly: number | null;
  timesUnordered: number | null;
  timesCopy: number | null;
  peakRssMegabytes: number | null;
}

const columns = [
  ['MB/s', 'megabytesPerSecond', 0],
  ['x parse-only', 'timesParseOnly', 2],
  ['x unordered', 'timesUnordered', 2],
  ['x copy', 'timesCopy', 2],
  ['peak RSS MB', 'peakRssMegabytes', 0],
] as const;

/** A table, or one JSON object a line. */
export function printReport(rows: readonly Row[], json: boolean): void {
  const lines = json ? rows.map((row) => JSON.stringify(rounded(row))) : table(rows);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function rounded(row: Row): Row {
  const shown = { ...row };
  for (const [, key, digits] of columns) {
    const value = row[key];
    shown[key] = value === null ? null : Number(value.toFixed(digits));
  }
  return shown;
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map((row) => row.case.length)) + 2;
  const head = ['case'.padEnd(width), ...columns.map(([title]) => title.padStart(14))].join('');
  return [head, ...rows.map((row) => row.case.padEnd(width) + columns.map((column) => cell(row, column)).join(''))];
}

function cell(row: Row, [, key, digits]: (typeof columns)[number]): string {
  const value = row[key];
  return (value === null ? '-' : value.toFixed(digits)).padStart(14);
}
