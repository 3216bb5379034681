import type { CreateOutcome } from '../../providers/contract.ts';
import type { BatchFields } from '../../providers/shared/batch-fields.ts';
import { emptyBatch } from '../../records/openai-batch.ts';
import { type Batch, batchFrom } from '../batch.ts';
import { refusedError } from './create-failure.ts';
import { type CreateAttempt, findLostCreate } from './lost-create.ts';

/**
 * The batch that came of one creation.
 *
 * @throws OutcomeUnknownError, or what proves that nothing was created.
 */
export async function createdBatch(attempt: CreateAttempt, outcome: CreateOutcome): Promise<Batch> {
  const batchId = await createdId(attempt, outcome);
  return batchFrom(await describe(attempt, batchId), attempt.endpoint);
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
function newBatchFields({ sending, endpoint, providerInputFileId }: CreateAttempt, batchId: string): BatchFields {
  return {
    ...emptyBatch(batchId),
    endpoint,
    input_file_id: providerInputFileId,
    created_at: Math.floor(Date.now() / 1000),
    request_counts: { total: sending.lineCount, completed: 0, failed: 0 },
    metadata: sending.metadata,
  };
}
