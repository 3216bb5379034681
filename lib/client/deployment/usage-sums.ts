import type { UsageRow } from './replies.ts';

/** Adds the rows of several answers up, of which each has sums of its own for the same groups. */
export function joinRows(pages: readonly (readonly UsageRow[])[]): UsageRow[] {
  const byGroup = new Map<string, UsageRow>();
  for (const row of pages.flat()) {
    const name = JSON.stringify(Object.values(row.group));
    const standing = byGroup.get(name);
    byGroup.set(name, standing ? { ...sumOfRows([standing, row]), group: row.group } : row);
  }
  return [...byGroup].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, row]) => row);
}

/** The sum of all rows, of no group. */
export function sumOfRows(rows: readonly UsageRow[]): UsageRow {
  const sum = (number: (row: UsageRow) => number) => rows.reduce((total, row) => total + number(row), 0);
  return {
    group: {},
    requests: sum(({ requests }) => requests),
    completed: sum(({ completed }) => completed),
    failed: sum(({ failed }) => failed),
    input_tokens: sum((row) => row.input_tokens),
    output_tokens: sum((row) => row.output_tokens),
    usd: inMicrodollars(sum(({ usd }) => usd)),
    simulated_usd: inMicrodollars(sum((row) => row.simulated_usd)),
    unpriced: [...new Set(rows.flatMap(({ unpriced }) => unpriced))],
  };
}

/** Without the noise of adding. */
function inMicrodollars(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
