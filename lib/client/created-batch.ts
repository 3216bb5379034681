import type { CreateOutcome } from '../providers/contract.ts';
import type { BatchFields } from '../providers/shared/batch-fields.ts';
import { type Batch, batchFrom } from './batch.ts';
import { refusedError } from './create-failure.ts';
import { type CreateAttempt, findLostCreate } from './lost-create.ts';

/**
 * The batch that came of one creation.
 *
 * @throws OutcomeUnknownError, or what proves that nothing was created.
 */
export async function createdBatch(attempt: CreateAttempt, outcome: CreateOutcome): Promise<Batch> {
  const batchId = await createdId(attempt, outcome);
  return batchFrom(await describe(attempt, batchId), attempt.sending.endpoint);
}

async function createdId(attempt: CreateAttempt, outcome: CreateOutcome): Promise<string> {
  switch (outcome.outcome) {
    case 'created':
      return outcome.providerBatchId;
    case 'unknown':
      return await findLostCreate(attempt, outcome.message);
    case 'refused':
    case 'deferred':
      throw refusedError(outcome);
  }
}

/** A batch that was created is given back, even where it cannot be read yet: its id must not be lost. */
async function describe(attempt: CreateAttempt, batchId: string): Promise<BatchFields> {
  try {
    return await attempt.client.describe(batchId, new AbortController().signal);
  } catch {
    return newBatchFields(attempt, batchId);
  }
}

/** What is known of a batch that was created a moment ago. */
function newBatchFields({ sending, providerInputFileId }: CreateAttempt, batchId: string): BatchFields {
  return {
    id: batchId,
    object: 'batch',
    endpoint: sending.endpoint,
    model: null,
    errors: null,
    input_file_id: providerInputFileId,
    completion_window: '24h',
    status: 'validating',
    output_file_id: null,
    error_file_id: null,
    created_at: Math.floor(Date.now() / 1000),
    in_progress_at: null,
    expires_at: null,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: sending.lineCount, completed: 0, failed: 0 },
    usage: null,
    metadata: sending.metadata,
  };
}
