import { emptyBatch } from '../../../records/openai-batch.ts';
import type { ProviderBatch } from '../../contract.ts';
import type { BatchFields } from '../batch-fields.ts';

/** What a provider that has no Batch of OpenAI's says of its own. Times are unix timestamps in seconds. */
export interface ForeignBatch extends Pick<ProviderBatch, 'phase' | 'counts' | 'failure'> {
  id: string;
  model?: string | null;
  inputFileId?: string | null;
  outputFileId?: string | null;
  createdAt: number | null;
  startedAt?: number | null;
  expiresAt?: number | null;
  cancellingAt?: number | null;
  endedAt: number | null;
}

/** The batch in OpenAI's form, null where its provider has nothing like it. */
export function batchFieldsOf(batch: ForeignBatch): BatchFields {
  const { phase, failure } = batch;
  const endedAs = (ending: BatchFields['status']) => (phase === ending ? batch.endedAt : null);
  return {
    ...emptyBatch(batch.id),
    endpoint: null,
    model: batch.model ?? null,
    errors: failure && {
      object: 'list',
      data: [{ code: failure.code, message: failure.message, param: null, line: null }],
    },
    input_file_id: batch.inputFileId ?? null,
    status: phase,
    output_file_id: batch.outputFileId ?? null,
    created_at: batch.createdAt,
    in_progress_at: batch.startedAt ?? null,
    expires_at: batch.expiresAt ?? null,
    completed_at: endedAs('completed'),
    failed_at: endedAs('failed'),
    expired_at: endedAs('expired'),
    cancelling_at: batch.cancellingAt ?? null,
    cancelled_at: endedAs('cancelled'),
    ...(batch.counts && { request_counts: batch.counts }),
  };
}
