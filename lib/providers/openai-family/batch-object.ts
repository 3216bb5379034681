import { z } from 'zod';
import { safeText } from '../../records/errors.ts';
import type { BatchStatus } from '../../records/openai-batch.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ProviderBatch, ProviderPhase } from '../contract.ts';
import { queueFullCode } from '../shared/http/create-outcome.ts';
import { isOutOfCredit } from '../shared/http/credit.ts';
import { timeSeconds } from '../shared/http/provider-time.ts';
import { isSharedByAllLines } from '../shared/http/shared-cause.ts';
import type { Dialect } from './dialect.ts';

/** A number, or the digits of one. */
const count = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).pipe(z.number().int().nonnegative());

/** Unix seconds, or a date as some servers write it. */
const seconds = z.number().or(z.string().transform(timeSeconds)).nullish().catch(null);

/**
 * What we read of a batch. Tolerant, since servers that speak OpenAI's API differ: empty texts for unset fields, null for
 * counts. Source: https://platform.openai.com/docs/api-reference/batch/object
 */
export const batchObjectSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  created_at: seconds,
  /** Null, or an empty text, for a batch that never began; absent where the service has no such field. */
  in_progress_at: z.unknown().optional(),
  input_file_id: z.string().nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish().catch(null),
  request_counts: z.object({ total: count, completed: count, failed: count }).nullish().catch(null),
  errors: z
    .object({
      data: z
        .array(
          z.object({
            code: z.string().nullish(),
            message: z.string().nullish(),
            /** In the input, from 1. */
            line: z.number().int().positive().nullish().catch(null),
          }),
        )
        .nullish(),
    })
    .nullish()
    .catch(null),
});

export type BatchObject = z.infer<typeof batchObjectSchema>;

// OpenAI's eight, and what other servers call the same; case and underscores do not count.
const statusByWord = new Map<string, BatchStatus>([
  ['validating', 'validating'],
  ['queued', 'validating'],
  ['pending', 'validating'],
  ['inprogress', 'in_progress'],
  ['running', 'in_progress'],
  ['processing', 'in_progress'],
  ['finalizing', 'finalizing'],
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['expired', 'expired'],
  ['cancelling', 'cancelling'],
  ['canceling', 'cancelling'],
  ['cancelled', 'cancelled'],
  ['canceled', 'cancelled'],
]);

/** OpenAI's status for a server's word; undefined for one that nobody knows. */
export function knownStatus(word: string): BatchStatus | undefined {
  return statusByWord.get(word.toLowerCase().replaceAll(/[_ -]/g, ''));
}

const phaseByStatus: Record<BatchStatus, ProviderPhase> = {
  validating: 'validating',
  in_progress: 'in_progress',
  finalizing: 'in_progress',
  completed: 'completed',
  failed: 'failed',
  expired: 'expired',
  cancelling: 'cancelling',
  cancelled: 'cancelled',
};

/** What a batch object says by itself depends on whose it is. */
type Writer = Pick<Dialect, 'service' | 'showsStart'>;

export function providerBatchFrom(batch: BatchObject, writer: Writer): ProviderBatch {
  const known = knownStatus(batch.status);
  const phase = phaseByStatus[known ?? 'in_progress'];
  const isEnded = hasEnded(phase);
  return {
    providerBatchId: batch.id,
    phase,
    status: batch.status,
    isKnownStatus: known !== undefined,
    counts: batch.request_counts ?? null,
    expectedResults: isEnded ? expectedResults(batch) : null,
    resultRefs: isEnded ? resultRefs(batch) : [],
    failure: phase === 'failed' ? failureFrom(batch, writer) : null,
  };
}

/** One where both are the same. */
function resultRefs({ output_file_id, error_file_id }: BatchObject): string[] {
  return [...new Set([output_file_id, error_file_id].flatMap((id) => id || []))];
}

/**
 * The least number of lines in the result files: what completed and what failed. The unfinished lines of an expired or
 * cancelled batch come on top where OpenAI writes them. Failed requests count only where there is an error file: a
 * recorded batch of 2025 has `failed: 1` without one, and no line for it anywhere. Null where the counts cannot be read.
 */
function expectedResults(batch: BatchObject): number | null {
  const counts = batch.request_counts;
  if (!counts) return null;
  return counts.completed + (batch.error_file_id ? counts.failed : 0);
}

function failureFrom(batch: BatchObject, { service, showsStart }: Writer): ProviderBatch['failure'] {
  const unexplained = { code: 'batch_failed', message: `${service} failed the batch without saying why.`, line: null };
  const errors = (batch.errors?.data ?? []).map(({ code, message, line }) => ({
    code: code || unexplained.code,
    message: safeText(message || unexplained.message),
    line: line ?? null,
  }));
  const queueFull = errors.find((error) => error.code === queueFullCode);
  const unpaid = errors.find(({ code, message }) => isOutOfCredit({ status: null, code, message }));
  const { code, message } = queueFull ?? unpaid ?? errors[0] ?? unexplained;
  const hasNeverBegun = showsStart && isUnset(batch.in_progress_at) && hasNothingDone(batch);
  if (!hasNeverBegun) return { code, message, isQueueFull: queueFull !== undefined && contradictsNothing(batch) };
  if (queueFull || unpaid) return { code, message, isQueueFull: true };
  if (errors.some(isSharedByAllLines)) return { code, message, isQueueFull: false };
  const refusedLines = errors.flatMap(({ line, ...words }) =>
    line === null ? [] : [{ position: line - 1, ...words }],
  );
  return { code, message, isQueueFull: false, isUntouched: true, refusedLines };
}

function isUnset(time: unknown): boolean {
  return time === null || time === '';
}

/** Whether it counts its requests, and none of them as done. */
function hasNothingDone({ request_counts, output_file_id, error_file_id }: BatchObject): boolean {
  if (!request_counts || output_file_id || error_file_id) return false;
  return request_counts.completed + request_counts.failed === 0;
}

/** Whether nothing in the batch speaks against its word that its queue was full, and so that none of it ran. */
function contradictsNothing(batch: BatchObject): boolean {
  const { in_progress_at, request_counts, output_file_id, error_file_id } = batch;
  const mayHaveNotBegun = in_progress_at === undefined || isUnset(in_progress_at);
  return mayHaveNotBegun && (request_counts ? hasNothingDone(batch) : !output_file_id && !error_file_id);
}
