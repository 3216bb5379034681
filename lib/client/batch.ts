import type { Batch as OpenAIBatch } from 'openai/resources/batches';
import type { Warning } from '../providers/contract.ts';
import type { BatchFields } from '../providers/shared/batch-fields.ts';
import { hasEnded, openAIBatchSchema } from '../records/openai-batch.ts';

/** OpenAI's own type. Every field is there; one that is unset is null, as on the wire. Times are unix seconds. */
export type Batch = OpenAIBatch;

/** A parameter of a request that the provider cannot take, and what was done about it. */
export interface LineWarning extends Warning {
  /** The request's place in the input, from 1; null for an option of the batch. */
  line: number | null;
}

/** A batch as it was created, and what had to be left out of its requests. */
export interface CreatedBatch extends Batch {
  /** At most a hundred. */
  warnings: LineWarning[];
  warningCount: number;
}

/** A page of batches, newest first, in OpenAI's form. */
export interface BatchList {
  object: 'list';
  data: Batch[];
  first_id: string | null;
  /** To be given as `after` for the next page. */
  last_id: string | null;
  has_more: boolean;
}

/** Whether the batch has ended, well or not: its status no longer changes. */
export function isComplete(batch: Batch): boolean {
  return hasEnded(batch.status);
}

/** Whether the batch ran to its end and no request of it failed. */
export function isSuccessful(batch: Batch): boolean {
  return batch.status === 'completed' && (batch.request_counts?.failed ?? 0) === 0;
}

/** @param endpoint what stands for it where the provider does not record what a batch is for. */
export function batchFrom(fields: BatchFields, endpoint: string): Batch {
  const batch = { ...fields, endpoint: fields.endpoint ?? endpoint };
  if (!isBatch(batch)) throw new TypeError(`The batch ${fields.id} lacks fields, or has other ones than OpenAI's.`);
  return batch;
}

/** Checks every field. OpenAI's SDK says absent where the wire says null, so its type does not follow from the schema. */
function isBatch(batch: object): batch is Batch {
  return openAIBatchSchema.safeParse(batch).success;
}
