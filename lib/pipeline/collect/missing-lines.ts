import { isRetryableFailure } from '../../lines/retryable.ts';
import type { ProviderBatch } from '../../providers/contract.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ShardEnd, ShardRecord } from '../../records/shard.ts';
import type { GatheredAnswers } from './gathered-answers.ts';

/** What a download held, in numbers. */
export type Tally = Pick<GatheredAnswers, 'resultsRead' | 'answered' | 'succeeded' | 'malformed'>;

/** What is said of the lines that have no result. */
export interface MissingLines {
  code: string;
  message: string;
  /** Whether they may have been executed and paid for. */
  isLost: boolean;
  /** Whether the provider shows that they were not paid for, so that they may be sent again. */
  isRetryable: boolean;
}

/**
 * Whether a download that came to its end holds all that the provider owes.
 *
 * What a provider does not count is, for a batch that it completed, the number of lines that were sent.
 */
export function isWhole({ lineCount }: Pick<ShardRecord, 'lineCount'>, found: ProviderBatch, tally: Tally): boolean {
  if (tally.resultsRead >= lineCount) return true;
  if (tally.malformed > 0 || tally.resultsRead < owedResults(lineCount, found)) return false;
  return !found.counts || found.expectedResults === null || holdsAllExecuted(found.counts, tally);
}

/** A failed request need not have a line: a provider's counts may explain by it what is missing. */
function owedResults(lineCount: number, { phase, counts, expectedResults }: ProviderBatch): number {
  if (phase !== 'completed') return Math.min(lineCount, expectedResults ?? 0);
  return Math.min(lineCount, Math.max(expectedResults ?? 0, lineCount - (counts?.failed ?? 0)));
}

/** Whether nothing that the provider counts as executed is missing. */
function holdsAllExecuted(counts: NonNullable<ProviderBatch['counts']>, { answered, succeeded }: Tally): boolean {
  return succeeded >= counts.completed || answered >= counts.completed + counts.failed;
}

/**
 * Decides what the lines without a result are. They count as paid for unless the provider's own counts show that they were
 * not: a request is never paid for twice because of a download.
 *
 * @param end why the shard ended.
 * @param found the provider's batch as it was seen last; null where it could not be seen.
 * @param obstacle what was given up in the end, if anything.
 */
export function missingLines(
  shard: Pick<ShardRecord, 'lineCount' | 'providerBatchId' | 'rereads'>,
  end: ShardEnd,
  found: ProviderBatch | null,
  tally: Tally,
  obstacle: string | null,
): MissingLines {
  if (shard.providerBatchId === null) return unexecuted(end);
  if (shard.rereads) return lost(tally, obstacle);
  if (!found || !hasEnded(found.phase)) return end.reason === 'completed' ? lost(tally, obstacle) : mayRunOn(end);
  if (found.phase === 'completed')
    return failedWithoutLine(shard.lineCount, found, tally) ? countedAsFailed : lost(tally, obstacle);
  const { counts } = found;
  if (!counts) return found.phase === 'failed' ? unexecuted(end) : lost(tally, obstacle);
  // A batch that fails while it is validated has not counted its lines.
  const isCounted = found.phase === 'failed' || counts.total >= shard.lineCount;
  const isProven = isCounted && holdsAllExecuted(counts, tally);
  return isProven ? unexecuted(end) : lost(tally, obstacle);
}

/** We gave the provider's batch up, and it was not seen to end: OpenRouter, for one, cannot cancel. */
function mayRunOn({ reason, code, message }: ShardEnd): MissingLines {
  const why = reason === 'cancelled' ? 'The batch was cancelled.' : message;
  const warning =
    'What became of this request at the provider is not known: it may be executed and paid for all the same.';
  return { code, message: `${why} ${warning}`, isLost: true, isRetryable: false };
}

/** The code of a batch that failed or was refused is the provider's, even where it is spelled like one of ours. */
function unexecuted({ reason, code, message }: ShardEnd): MissingLines {
  const isOurs = reason !== 'failed' && reason !== 'refused';
  return { code, message, isLost: false, isRetryable: isOurs && isRetryableFailure(code) };
}

/** Whether the provider counts as failed at least as many requests as have no line, beside those whose failure was read. */
function failedWithoutLine(lineCount: number, { counts }: ProviderBatch, { resultsRead, succeeded }: Tally): boolean {
  const failuresRead = resultsRead - succeeded;
  return counts !== null && lineCount - resultsRead <= counts.failed - failuresRead;
}

const countedAsFailed: MissingLines = {
  code: 'result_missing',
  message: 'The provider counts this request among the failed, and its results have no line for it.',
  isLost: false,
  isRetryable: true,
};

const linesLost = { code: 'result_missing', message: "The provider's results have no line for this request" } as const;
const resultsLost = { code: 'results_unavailable', message: "The provider's results cannot be read" } as const;

function lost({ resultsRead }: Tally, obstacle: string | null): MissingLines {
  const { code, message } = resultsRead === 0 ? resultsLost : linesLost;
  const why = obstacle === null ? '' : ` ${obstacle}`;
  return {
    code,
    message: `${message}. It may have been executed and paid for.${why}`,
    isLost: true,
    isRetryable: false,
  };
}
