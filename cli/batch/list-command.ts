import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type Command, InvalidArgumentError } from 'commander';
import { createLogUpdate } from 'log-update';
import { dollarsText } from '../../lib/records/dollars.ts';
import { messageOf } from '../../lib/records/errors.ts';
import { batchStatuses } from '../../lib/records/openai-batch.ts';
import { newCommand } from '../command.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import { parseCount, parseSince } from '../option-values.ts';
import { printable } from '../output/printable.ts';
import { ageText, counted, countText, isoTime } from '../output/quantities.ts';
import { printAnswer } from '../output/result.ts';
import { type Column, outputWidth, table } from '../output/table.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import type { Transport } from '../transport/transport.ts';

interface ListOptions extends TransportOptions {
  limit?: number;
  status?: string[];
  /** Unix seconds. */
  since?: number;
  name?: string;
  watch?: boolean;
}

const usualLimit = 20;
/** What a usual terminal shows. */
const watchedLimit = 30;

export function listCommand(): Command {
  const command = newCommand('list', {
    summary: 'List batches, newest first.',
    notes:
      'In a pipe: handle, status, requests, answered, failed, created, name, model, dollars, simulated accounts, separated\n' +
      'by tabs.',
    examples: [
      ['The last twenty', 'batchdrop list'],
      ['What is under way', 'batchdrop list --status validating,in_progress,finalizing'],
      ['What became of the reviews since yesterday', 'batchdrop list --name reviews --since 1d'],
      ['Follow them', 'batchdrop list --watch'],
    ],
  })
    .option(
      '--limit <count>',
      `at most so many (default: ${usualLimit}; with --watch what the screen holds)`,
      parseCount,
    )
    .option('--status <statuses>', 'only those in one of these, with commas between', parseStatuses)
    .option('--since <time>', 'only those made since a date, or within a duration such as 2h or 3d', parseSince)
    .option('--name <text>', 'only those whose file has this in its name; * stands for any characters')
    .option('--tenant <name>', "whose: another tenant's with an operator's key, or whose inbox of a bucket")
    .option('--watch', 'keep the list on the screen, until Ctrl-C');
  return withTransportFlags(command).action(async (options: ListOptions) => {
    const transport = await openTransport(options);
    if (options.watch) return watch(transport, options);
    const batches = await transport.list(requestOf(options, usualLimit));
    printAnswer(
      {
        terminal: () => listText(batches, outputWidth()),
        pipe: () => batches.map((batch) => pipeCells(batch).join('\t')).join('\n'),
        json: batches.map(({ document }) => document),
      },
      options,
    );
  });
}

function requestOf({ limit, status, since, name, tenant }: ListOptions, otherwise: number) {
  return { limit: limit ?? otherwise, statuses: status ?? null, since: since ?? null, name: name ?? null, tenant };
}

const statuses: readonly string[] = [...batchStatuses, 'refused'];

function parseStatuses(text: string): string[] {
  const wanted = text.split(',').map((status) => status.trim());
  const unknown = wanted.find((status) => !statuses.includes(status));
  if (unknown === undefined) return wanted;
  throw new InvalidArgumentError(`'${unknown}' is none of ${statuses.join(', ')}.`);
}

/** What a look shows; two seconds are soon enough for a person and few calls for a deployment. */
const watchMilliseconds = 2_000;
/** Header, sums and remarks. */
const linesAround = 4;

/** Draws the list again and again, as long as the terminal is open. */
async function watch(transport: Transport, options: ListOptions): Promise<void> {
  if (options.json || !process.stdout.isTTY)
    throw new CommandError(exitStatus.invalid, '--watch draws on a terminal; a script asks again with --json.');
  const draw = createLogUpdate(process.stdout);
  process.once('SIGINT', () => {
    draw.done();
    process.exit(exitStatus.succeeded);
  });
  let shown: BatchState[] | null = null;
  for (;;) {
    const room = Math.max(1, (process.stdout.rows || watchedLimit + linesAround) - linesAround);
    const request = requestOf(options, watchedLimit);
    const limit = Math.min(request.limit, room);
    let remark = '';
    try {
      shown = await transport.list({ ...request, limit });
    } catch (error) {
      if (shown === null || !(error instanceof CommandError) || error.status !== exitStatus.unreachable) throw error;
      remark = `\n${styleText('yellow', `${printable(messageOf(error))} Trying again.`)}`;
    }
    draw(`${listText(shown, outputWidth())}${remark}`);
    await sleep(watchMilliseconds);
  }
}

/** From this width on ids stand whole. */
const wideTerminal = 150;
/** Hexadecimal digits of an id that tell it from all others of a deployment. */
const shortIdLength = 'batch_'.length + 8;

function listText(batches: readonly BatchState[], width: number): string {
  if (batches.length === 0) return 'There are no such batches.';
  return [...table(batches, listColumns(width), width), styleText('dim', sumsText(batches))].join('\n');
}

function listColumns(width: number): readonly Column<BatchState>[] {
  const idLength = width < wideTerminal ? shortIdLength : undefined;
  return [
    { title: 'batch', cell: ({ id }) => (id ?? '-').slice(0, idLength) },
    { title: 'status', cell: statusCell },
    { title: 'name', cell: ({ name }) => printable(name ?? '-'), minWidth: 12 },
    { title: 'model', cell: ({ model }) => printable(model ?? ''), minWidth: 10, dropOrder: 2 },
    { title: 'answered', cell: progressCell, isNumber: true },
    { title: 'failed', cell: ({ counts }) => (counts.failed === 0 ? '' : countText(counts.failed)), isNumber: true },
    { title: 'cost', cell: costCell, isNumber: true },
    { title: 'age', cell: (batch) => ageText(Date.now() / 1_000 - createdAt(batch)), isNumber: true, dropOrder: 1 },
  ];
}

function statusCell({ status, isDryRun }: BatchState): string {
  return isDryRun ? `dry run` : status;
}

function progressCell({ counts: { completed, total } }: BatchState): string {
  return total === 0 ? '' : `${countText(completed)}/${countText(total)}`;
}

/** A star marks what nobody pays. */
function costCell({ cost }: BatchState): string {
  if (cost === null) return '';
  return `${cost.usd === null ? '?' : dollarsText(cost.usd)}${isSimulated(cost) ? '*' : ' '}`;
}

function isSimulated({ simulated = [] }: NonNullable<BatchState['cost']>): boolean {
  return simulated.length > 0;
}

/** `12 batches, 3 of them under way: $1.20, and $0.05 * of simulators, which nobody pays` */
function sumsText(batches: readonly BatchState[]): string {
  const running = batches.filter((batch) => !hasBatchEnded(batch)).length;
  const costs = batches.flatMap(({ cost }) => (cost?.usd ? [{ usd: cost.usd, isSimulated: isSimulated(cost) }] : []));
  const sum = (simulated: boolean) =>
    costs.reduce((total, { usd, isSimulated }) => total + (isSimulated === simulated ? usd : 0), 0);
  const [paid, simulated] = [sum(false), sum(true)];
  const dollars = [
    ...(paid > 0 || simulated === 0 ? [dollarsText(paid)] : []),
    ...(simulated > 0 ? [`${dollarsText(simulated)} (* simulated: nobody pays it)`] : []),
  ].join(' and ');
  return `${counted(batches.length, 'batch', 'batches')}${running > 0 ? `, ${countText(running)} under way` : ''}, ${dollars}`;
}

function createdAt({ moments }: BatchState): number {
  return moments[0]?.at ?? 0;
}

function pipeCells(batch: BatchState): string[] {
  const { handle, counts, name, model, cost } = batch;
  return [
    printable(handle),
    batch.status,
    ...[counts.total, counts.completed, counts.failed].map(String),
    isoTime(createdAt(batch)),
    printable(name ?? ''),
    printable(model ?? ''),
    cost?.usd === null || cost?.usd === undefined ? '' : String(cost.usd),
    (cost?.simulated ?? []).map(printable).join(','),
  ];
}
