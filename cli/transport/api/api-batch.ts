import { z } from 'zod';
import { costSchema, reportSchema } from '../../../lib/records/batch.ts';
import { type BatchState, errorListSchema, momentsOf, type ShardState } from '../batch-state.ts';

const time = z.number().nullish();

const shardSchema = z.object({
  round: z.number(),
  shard: z.number(),
  status: z.string(),
  provider: z.string().nullable(),
  model: z.string(),
  provider_batch_id: z.string().nullable(),
  provider_status: z.string().nullable(),
  requests: z.number(),
  completed: z.number(),
  failed: z.number(),
  last_error: z.string().nullable(),
});

/** The part of what a deployment adds to OpenAI's object that is shown. */
const additionsSchema = z.object({
  options: z.object({ dry_run: z.boolean().optional() }).optional(),
  retry_of: z.string().nullish(),
  error_count: z.number().optional(),
  warning_count: z.number().optional(),
  cost: costSchema.nullish(),
  report: reportSchema.nullish(),
  shards: z.array(shardSchema).optional(),
});

/** OpenAI's Batch, as far as it is shown. */
export const apiBatchSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  endpoint: z.string(),
  model: z.string().nullish(),
  errors: z.object({ data: errorListSchema }).nullish(),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }).nullish(),
  created_at: z.number(),
  in_progress_at: time,
  expires_at: time,
  finalizing_at: time,
  completed_at: time,
  failed_at: time,
  expired_at: time,
  cancelling_at: time,
  cancelled_at: time,
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  batchdrop: additionsSchema.optional(),
});

export type ApiBatch = z.infer<typeof apiBatchSchema>;

/** @param document the batch as it came. */
export function stateOfApiBatch(document: unknown): BatchState {
  const batch = apiBatchSchema.parse(document);
  const additions = batch.batchdrop ?? {};
  return {
    handle: batch.id,
    id: batch.id,
    status: batch.status,
    counts: batch.request_counts ?? { total: 0, completed: 0, failed: 0 },
    endpoint: batch.endpoint || null,
    model: batch.model ?? null,
    isDryRun: additions.options?.dry_run ?? false,
    retryOf: additions.retry_of ?? null,
    moments: momentsOfBatch(batch),
    deadlineAt: batch.expires_at ?? null,
    errors: batch.errors?.data ?? [],
    errorCount: additions.error_count ?? batch.errors?.data.length ?? 0,
    warningCount: additions.warning_count ?? 0,
    tokens: batch.usage ? { input: batch.usage.input_tokens, output: batch.usage.output_tokens } : null,
    cost: additions.cost ?? null,
    validation: additions.report ?? null,
    shards: additions.shards?.map(shardState) ?? null,
    output: batch.output_file_id ?? null,
    errorFile: batch.error_file_id ?? null,
    document,
  };
}

/** Also of `batch.json`, which has the same fields. */
export function momentsOfBatch(batch: ApiBatch) {
  return momentsOf({
    created: batch.created_at,
    in_progress: batch.in_progress_at,
    cancelling: batch.cancelling_at,
    finalizing: batch.finalizing_at,
    completed: batch.completed_at,
    failed: batch.failed_at,
    expired: batch.expired_at,
    cancelled: batch.cancelled_at,
  });
}

function shardState(shard: z.infer<typeof shardSchema>): ShardState {
  const { provider_batch_id: providerBatchId, provider_status: providerStatus, last_error: lastError, ...rest } = shard;
  return { ...rest, providerBatchId, providerStatus, lastError };
}
