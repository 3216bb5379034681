import { z } from 'zod';
import type { ProviderBatch, ProviderPhase } from '../contract.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { batchFieldsOf } from '../shared/http/foreign-batch.ts';
import { timeSeconds } from '../shared/http/provider-time.ts';

const count = z.number().int().nonnegative();

/** What we read of a batch. Source: https://platform.claude.com/docs/en/api/retrieving-message-batches */
export const batchObjectSchema = z.object({
  id: z.string().min(1),
  processing_status: z.string(),
  /** Null where they cannot be read: what the batch has is then no less, and nobody knows how much. */
  request_counts: z
    .object({ processing: count, succeeded: count, errored: count, canceled: count, expired: count })
    .nullish()
    .catch(null),
  /** RFC 3339. */
  created_at: z.string(),
  archived_at: z.string().nullish(),
  expires_at: z.string().nullish(),
  ended_at: z.string().nullish(),
  cancel_initiated_at: z.string().nullish(),
  results_url: z.string().nullish(),
});

export type BatchObject = z.infer<typeof batchObjectSchema>;

/** Requests in the batch, whatever became of them; null where it does not say. */
export function totalOf({ request_counts: counts }: BatchObject): number | null {
  return counts ? counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired : null;
}

function countsOf(batch: BatchObject): ProviderBatch['counts'] {
  const { request_counts: counts } = batch;
  const total = totalOf(batch);
  return counts && total !== null ? { total, completed: counts.succeeded, failed: counts.errored } : null;
}

export function hasEnded(batch: BatchObject): boolean {
  return batch.processing_status === 'ended';
}

/**
 * Every request has a line in the results once the batch has ended, whatever became of it. They are owed also where no
 * place of theirs is named.
 */
export function providerBatchFrom(batch: BatchObject): ProviderBatch {
  const known = phaseOf(batch);
  const hasResults = hasEnded(batch) && Boolean(batch.results_url);
  return {
    providerBatchId: batch.id,
    phase: known ?? 'in_progress',
    status: batch.processing_status,
    isKnownStatus: known !== undefined,
    counts: countsOf(batch),
    expectedResults: hasEnded(batch) ? totalOf(batch) : null,
    resultRefs: hasResults ? [batch.id] : [],
    failure: null,
  };
}

const phaseByStatus = new Map<string, (batch: BatchObject) => ProviderPhase>([
  ['in_progress', () => 'in_progress'],
  ['canceling', () => 'cancelling'],
  ['ended', endOf],
]);

function phaseOf(batch: BatchObject): ProviderPhase | undefined {
  return phaseByStatus.get(batch.processing_status)?.(batch);
}

function endOf(batch: BatchObject): ProviderPhase {
  if (batch.cancel_initiated_at) return 'cancelled';
  return batch.request_counts?.expired ? 'expired' : 'completed';
}

/**
 * The batch in OpenAI's form. Anthropic has no files, no metadata, and no usage of a batch; it keeps neither the model
 * nor the form of the requests. Its requests count as completed or failed once the batch has ended; what expired or was
 * cancelled is neither, as at OpenAI.
 */
export function batchFieldsFrom(batch: BatchObject): BatchFields {
  return batchFieldsOf({
    ...providerBatchFrom(batch),
    id: batch.id,
    createdAt: timeSeconds(batch.created_at),
    startedAt: timeSeconds(batch.created_at),
    expiresAt: timeSeconds(batch.expires_at),
    cancellingAt: timeSeconds(batch.cancel_initiated_at),
    endedAt: timeSeconds(batch.ended_at),
  });
}
