import { endings, type SoakResult } from './soak.ts';

/** What was done and what came of it, as a table for a terminal. */
export function summaryOf(result: SoakResult): string {
  const { drops, lines, batches, creations, starts, settledAfterMs, tally, violations } = result;
  const rows: [string, string | number][] = [
    ['files dropped', drops],
    ['lines', lines],
    ['batches', batches.length],
    ...endings(result)
      .entries()
      .map(([status, count]): [string, number] => [`  ${status}`, count]),
    ['batches at providers', creations.length],
    ...Map.groupBy(creations, ({ provider }) => provider)
      .entries()
      .map(([provider, { length }]): [string, number] => [`  ${provider}`, length]),
    ['starts of the stack', starts],
    ...tally.entries(),
    ['settled after', settledAfterMs === null ? 'never' : `${(settledAfterMs / 1_000).toFixed(1)} s`],
    ['violations', violations.length],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
