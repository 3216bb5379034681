import { type Command, InvalidArgumentError } from 'commander';
import type { UsageRow } from '../../lib/client/deployment/replies.ts';
import { sumOfRows } from '../../lib/client/deployment/usage-sums.ts';
import { dollarsText } from '../../lib/records/dollars.ts';
import { newCommand } from '../command.ts';
import { parseDuration } from '../option-values.ts';
import { printable } from '../output/printable.ts';
import { countText } from '../output/quantities.ts';
import { printAnswer } from '../output/result.ts';
import { type Column, outputWidth, table } from '../output/table.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';

interface CostsOptions extends TransportOptions {
  by: string;
  from?: string;
  to?: string;
}

/** `batchdrop costs`: what ended batches have used and cost. */
export function costsCommand(): Command {
  const command = newCommand('costs', {
    summary: 'Say what ended batches have used and cost: by day, model, label of the metadata, or tenant.',
    notes:
      'Days are those on which batches ended, in UTC. In a pipe: the groups, requests, answered, failed, tokens in, tokens\n' +
      'out, dollars, simulated dollars, separated by tabs. What simulators answered costs nothing and is summed by itself.',
    examples: [
      ['The last thirty days', 'batchdrop costs'],
      ['This week by model', 'batchdrop costs --by model --from 7d'],
      [
        'November by team, as batches were labelled with --metadata',
        'batchdrop costs --by metadata.team --from 2026-11-01 --to 2026-11-30',
      ],
      ["Of all tenants, with an operator's key", 'batchdrop costs --by tenant'],
    ],
  })
    .option(
      '--by <groups>',
      'day, model, provider, batch, api_key, tenant or metadata.<name>; up to three, with commas',
      'day',
    )
    .option('--from <day>', 'the first day, as 2026-11-30, or so long ago, as 7d (default: 30 days)', parseDay)
    .option('--to <day>', 'the last day (default: today)', parseDay)
    .option('--tenant <name>', "another tenant's with an operator's key; '*' for all");
  return withTransportFlags(command).action(async (options: CostsOptions) => {
    const { tenant, ...place } = options;
    const { by, from, to } = place;
    const transport = await openTransport(place);
    const usage = await transport.usage({
      by,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(tenant !== undefined && { tenant }),
    });
    printAnswer(
      {
        terminal: () => usageText(usage.rows, usage),
        pipe: () => usage.rows.map((row) => pipeCells(row, usage.by).join('\t')).join('\n'),
        json: { from: usage.from, to: usage.to, by: usage.by, tenant: usage.tenant, data: usage.rows },
      },
      options,
    );
  });
}

/** @returns a day in UTC, `2026-11-30`. */
function parseDay(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return text;
  try {
    return new Date(Date.now() - parseDuration(text) * 1_000).toISOString().slice(0, 10);
  } catch {
    throw new InvalidArgumentError('It is a day such as 2026-11-30, or a duration such as 7d.');
  }
}

interface Range {
  from: string;
  to: string;
  by: readonly string[];
}

function usageText(rows: readonly UsageRow[], { from, to, by }: Range): string {
  const days = `from ${from} to ${to} (UTC)`;
  if (rows.length === 0) return `No batch ended ${days}.`;
  const total = sumOfRows(rows);
  const shown = rows.length > 1 ? [...rows, total] : rows;
  const lines = table(shown, usageColumns(by, total), outputWidth());
  const unpriced = total.unpriced.map(printable);
  return [
    ...lines,
    '',
    `${total.usd > 0 || total.simulated_usd === 0 ? `${dollarsText(total.usd)} ` : 'Nothing '}is what it cost ${days}.`,
    ...(total.simulated_usd > 0
      ? [`${dollarsText(total.simulated_usd)} is what simulated answers would have cost; nobody pays it.`]
      : []),
    ...(unpriced.length > 0 ? [`No price is known for ${unpriced.join(', ')}: not in the sums.`] : []),
  ].join('\n');
}

function usageColumns(by: readonly string[], total: UsageRow): readonly Column<UsageRow>[] {
  const groups = by.map((name, place) => ({
    title: name,
    cell: ({ group }: UsageRow) => printable(group === total.group ? (place === 0 ? 'all' : '') : (group[name] ?? '-')),
    minWidth: 10,
  }));
  const dollars = ({ usd }: UsageRow) => (usd === 0 && total.simulated_usd > 0 ? '' : dollarsText(usd));
  return [
    ...groups,
    { title: 'requests', cell: ({ requests }) => countText(requests), isNumber: true },
    { title: 'failed', cell: ({ failed }) => (failed === 0 ? '' : countText(failed)), isNumber: true, dropOrder: 1 },
    { title: 'tokens in', cell: (row) => countText(row.input_tokens), isNumber: true, dropOrder: 3 },
    { title: 'out', cell: (row) => countText(row.output_tokens), isNumber: true, dropOrder: 2 },
    { title: 'cost', cell: dollars, isNumber: true },
    ...(total.simulated_usd > 0
      ? [{ title: 'simulated', cell: (row: UsageRow) => dollarsText(row.simulated_usd), isNumber: true }]
      : []),
  ];
}

function pipeCells(row: UsageRow, by: readonly string[]): string[] {
  const counts = [row.requests, row.completed, row.failed, row.input_tokens, row.output_tokens];
  return [
    ...by.map((name) => printable(row.group[name] ?? '')),
    ...[...counts, row.usd, row.simulated_usd].map(String),
  ];
}
