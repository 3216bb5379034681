import { z } from 'zod';
import { safeText } from '../../core/errors.ts';
import { queueFullCode } from '../create-outcome.ts';
import type { ProviderBatch, ProviderPhase } from '../provider.ts';

const count = z.number().int().nonnegative();

/**
 * What we read of a batch. Tolerant, since servers that speak OpenAI's API differ: empty texts for unset fields, null for
 * counts. Source: https://platform.openai.com/docs/api-reference/batch/object
 */
export const batchObjectSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  created_at: z.number().nullish(),
  input_file_id: z.string().nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  request_counts: z.object({ total: count, completed: count, failed: count }).nullish().catch(null),
  errors: z
    .object({ data: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).nullish() })
    .nullish()
    .catch(null),
});

export type BatchObject = z.infer<typeof batchObjectSchema>;

const phaseByStatus = new Map<string, ProviderPhase>([
  ['validating', 'validating'],
  ['in_progress', 'in_progress'],
  ['finalizing', 'in_progress'],
  ['completed', 'completed'],
  ['failed', 'failed'],
  ['expired', 'expired'],
  ['cancelling', 'cancelling'],
  ['cancelled', 'cancelled'],
]);

export function providerBatchFrom(batch: BatchObject): ProviderBatch {
  const known = phaseByStatus.get(batch.status.toLowerCase());
  const phase = known ?? 'in_progress';
  const hasEnded = phase !== 'validating' && phase !== 'in_progress' && phase !== 'cancelling';
  return {
    providerBatchId: batch.id,
    phase,
    status: batch.status,
    isKnownStatus: known !== undefined,
    counts: batch.request_counts ?? null,
    expectedResults: hasEnded ? expectedResults(batch) : null,
    resultRefs: hasEnded ? [batch.output_file_id, batch.error_file_id].flatMap((id) => id || []) : [],
    failure: phase === 'failed' ? failureFrom(batch) : null,
  };
}

/**
 * The least number of lines in the result files: what completed and what failed. The unfinished lines of an expired or
 * cancelled batch come on top where OpenAI writes them. Failed requests count only where there is an error file: a
 * recorded batch of 2025 has `failed: 1` without one, and no line for it anywhere.
 */
function expectedResults(batch: BatchObject): number | null {
  const counts = batch.request_counts;
  if (!counts) return null;
  return counts.completed + (batch.error_file_id ? counts.failed : 0);
}

function failureFrom(batch: BatchObject): ProviderBatch['failure'] {
  const errors = batch.errors?.data ?? [];
  const queueFull = errors.find((error) => error.code === queueFullCode);
  const first = queueFull ?? errors[0];
  return {
    code: first?.code || 'batch_failed',
    message: safeText(first?.message || 'OpenAI failed the batch without saying why.'),
    isQueueFull: queueFull !== undefined,
  };
}
