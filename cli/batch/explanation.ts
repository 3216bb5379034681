import { styleText } from 'node:util';
import { hint } from '../called-as.ts';
import { columns } from '../output/columns.ts';
import { printable } from '../output/printable.ts';
import { counted, countText, durationText, timeText } from '../output/quantities.ts';
import { type Column, outputWidth, table } from '../output/table.ts';
import { type BatchState, hasBatchEnded, type ShardState } from '../transport/batch-state.ts';
import type { ErrorTally } from './error-tally.ts';
import { nextSteps } from './next-steps.ts';
import {
  errorLines,
  estimateText,
  headlineWithin,
  spentText,
  stepLines,
  waitingText,
  warningText,
} from './state-text.ts';

/** Rows of the table of shards; a batch may have a thousand. */
const maxShownShards = 40;
const maxShownCodes = 10;
const maxMessageLength = 90;

/**
 * Everything that is known of a batch, in paragraphs; those with nothing to say are left out.
 *
 * @param width of the terminal: tables fit it; infinite for a pipe.
 */
export function explanation(state: BatchState, tally: ErrorTally, width = outputWidth()): string {
  return [
    [headlineWithin(state, width), ...whatFor(state)],
    addTitle('Timeline', timeline(state)),
    addTitle('Sent to', shardTable(state, width)),
    addTitle('Would be sent to', planTable(state)),
    addTitle(
      'Why requests failed',
      tallyLines(tally).map((line) => cut(line, width)),
    ),
    addTitle(isOfLines(state) ? 'What is wrong with the input' : 'Why it failed', errorLines(state)),
    addTitle(
      'Next',
      stepLines(nextSteps(state).filter(({ command }) => command !== hint('explain', printable(state.handle)))),
    ),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function isOfLines({ errors }: BatchState): boolean {
  return errors.some(({ line }) => line !== null);
}

function addTitle(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [styleText('bold', title), ...lines];
}

function whatFor(state: BatchState): string[] {
  const what = [state.endpoint, state.model].flatMap((part) => (part === null ? [] : [printable(part)]));
  const id = state.id !== null && state.id !== state.handle ? [`id ${state.id}`] : [];
  const origin = state.retryOf === null ? [] : [`the failed requests of ${state.retryOf}`];
  return [
    ...id,
    ...(what.length > 0 ? [what.join(', ')] : []),
    ...origin,
    ...waitingText(state),
    ...spentText(state),
    ...estimateText(state),
    ...warningText(state),
  ].map((text) => `  ${text}`);
}

function timeline(state: BatchState): string[] {
  const [first] = state.moments;
  const rows = state.moments.map(({ what, at }) => [
    `  ${timeText(at)}`,
    what,
    first && at > first.at ? `+${durationText(at - first.at)}` : '',
  ]);
  const deadline = state.deadlineAt;
  if (deadline !== null && !hasBatchEnded(state))
    rows.push([`  ${timeText(deadline)}`, 'deadline', `in ${durationText(deadline - Date.now() / 1_000)}`]);
  return columns(rows);
}

function shardTable({ shards, shardsOmitted }: BatchState, width: number): string[] {
  if (!shards || shards.length === 0) return [];
  const shown = shards.slice(0, maxShownShards);
  const hidden = shards.length - shown.length + shardsOmitted;
  const where = shardsOmitted > 0 ? `--json has the first ${countText(shards.length)}` : '--json has them all';
  const remarks = [...new Set(shards.flatMap(({ lastError }) => lastError ?? []))].slice(0, 3);
  return [
    ...table(shown, shardColumns, width),
    ...(hidden > 0 ? [`  and ${countText(hidden)} more; ${where}`] : []),
    ...remarks.map(
      (remark) => `  ${styleText('yellow', '!')} ${cut(printable(remark), Math.min(maxMessageLength, width - 4))}`,
    ),
  ];
}

function statusText({ status, providerStatus }: ShardState): string {
  return providerStatus ? `${status} (${printable(providerStatus)})` : status;
}

/** Whole ids are in `--json`. */
const shardColumns: readonly Column<ShardState>[] = [
  { title: '  shard', cell: ({ round, shard }) => `  ${round + 1}.${shard + 1}` },
  { title: 'provider', cell: ({ provider }) => provider ?? 'refused', minWidth: 8 },
  { title: 'model', cell: ({ model }) => printable(model), minWidth: 8 },
  { title: "provider's batch", cell: ({ providerBatchId }) => printable(providerBatchId ?? '-'), minWidth: 12 },
  { title: 'status', cell: statusText, minWidth: 9 },
  { title: 'requests', cell: ({ requests }) => countText(requests), isNumber: true, dropOrder: 1 },
  { title: 'answered', cell: ({ completed }) => countText(completed), isNumber: true },
  { title: 'failed', cell: ({ failed }) => countText(failed), isNumber: true },
];

/** What a dry run found out. */
function planTable({ isDryRun, validation }: BatchState): string[] {
  if (!isDryRun || !validation) return [];
  const rows = validation.shards.map(({ provider, model, endpoint, shards, requests }) => [
    `  ${provider}`,
    printable(model),
    endpoint,
    counted(requests, 'request'),
    `in ${counted(shards, 'batch', 'batches')}`,
  ]);
  return columns(rows);
}

function tallyLines({ groups, isPartial }: ErrorTally): string[] {
  const rows = groups
    .slice(0, maxShownCodes)
    .map(({ code, count, customId, message }) => [
      `  ${countText(count)}`,
      printable(code),
      cut(printable(customId === null ? message : `${customId}: ${message}`), maxMessageLength),
    ]);
  const hidden = groups.length - rows.length;
  return [
    ...columns(rows, [0]),
    ...(hidden > 0 ? [`  and ${countText(hidden)} more codes`] : []),
    ...(isPartial ? ['  counted over the beginning of the error file; it is large'] : []),
  ];
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
