import { z } from 'zod';
import type { ProviderBatch } from '../contract.ts';
import { batchObjectSchema, providerBatchFrom as providerBatchFromOpenAI } from '../openai-family/batch-object.ts';
import { type BatchFields, batchFieldsSchema } from '../shared/batch-fields.ts';
import { saidError } from '../shared/said-error.ts';

/** What we read of a batch. Source: `BatchObject` of @openrouter/sdk and https://openrouter.ai/docs/batch-quickstart, read 2026-11. */
export const batchSchema = z.looseObject({
  id: z.string().min(1),
  status: z.string(),
  endpoint: z.string().nullish().catch(null),
  model: z.string().nullish().catch(null),
  request_counts: z.object({ total: z.number().int().nonnegative() }).loose().nullish().catch(null),
  /** The answers, in a batch that has ended; the list leaves them out. */
  results: z.array(z.unknown()).nullish().catch(null),
  error: z.unknown().optional(),
});

export type Batch = z.infer<typeof batchSchema>;

export function providerBatchFrom(batch: Batch): ProviderBatch {
  return providerBatchFromOpenAI(batchObjectSchema.parse(inOpenAIForm(batch)), {
    service: 'OpenRouter',
    showsStart: false,
  });
}

export function batchFieldsFrom(batch: Batch): BatchFields {
  return batchFieldsSchema.parse(inOpenAIForm(batch));
}

/** Its results are one file, which is named as the batch; it says nothing of when its work began. */
function inOpenAIForm({ results, error, finalized_at: finalizedAt, ...batch }: Batch): object {
  const hasResults = Array.isArray(results) || batch.status === 'completed';
  const file = hasResults ? batch.id : null;
  const { message } = saidError(error);
  const errors = message === null ? null : { object: 'list', data: [{ code: 'batch_failed', message, line: null }] };
  const endedAt = /^(completed|failed|expired|cancelled)$/.test(batch.status) && {
    [`${batch.status}_at`]: finalizedAt,
  };
  return { ...batch, in_progress_at: null, errors, output_file_id: file, error_file_id: file, ...endedAt };
}
