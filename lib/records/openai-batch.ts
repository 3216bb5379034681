import type { BatchRecord } from './batch.ts';

/** OpenAI's Batch object, every field, null where unset. Times are unix seconds. */
export function batchObject(batch: BatchRecord) {
  return {
    id: batch.id,
    object: 'batch' as const,
    endpoint: batch.endpoint ?? '', // a drop's, until its first line is read: official clients have it as a string
    model: batch.model,
    errors: batch.errors.length > 0 ? { object: 'list' as const, data: batch.errors } : null,
    input_file_id: batch.inputFileId,
    completion_window: '24h' as const,
    status: batch.status,
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    created_at: batch.createdAt,
    in_progress_at: batch.inProgressAt,
    expires_at: batch.deadlineAt,
    finalizing_at: batch.finalizingAt,
    completed_at: batch.completedAt,
    failed_at: batch.failedAt,
    expired_at: batch.expiredAt,
    cancelling_at: batch.cancellingAt,
    cancelled_at: batch.cancelledAt,
    request_counts: batch.counts,
    usage: batch.usage,
    metadata: batch.options.metadata ?? null,
  };
}
