import { z } from 'zod';
import type { DeploymentBatch } from '../../../lib/client/deployment/replies.ts';
import { costSchema, reportSchema } from '../../../lib/records/batch.ts';
import { outputFormats } from '../../../lib/records/table-kind.ts';
import {
  type BatchState,
  momentsOf,
  retryableIn,
  type ShardState,
  statedWaitingSchema,
  type TableState,
} from '../batch-state.ts';

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
  retryable: z.number().optional(),
  lost: z.number().optional(),
  last_error: z.string().nullable(),
});

export const resultTableSchema = z.object({
  format: z.enum(outputFormats),
  parts: z.array(z.object({ file_id: z.string(), bytes: z.number() })),
  error: z.string().nullable(),
});

/** The part of what a deployment adds to OpenAI's object that is shown. */
const additionsSchema = z.object({
  options: z.object({ dry_run: z.boolean().optional() }).optional(),
  name: z.string().nullish(),
  waiting: statedWaitingSchema,
  retry_of: z.string().nullish(),
  error_count: z.number().optional(),
  warning_count: z.number().optional(),
  sidecar_warning: z.string().nullish(),
  cost: costSchema.nullish(),
  report: reportSchema.nullish(),
  table: resultTableSchema.nullish(),
  shards: z.array(shardSchema).optional(),
  shards_omitted: z.number().optional(),
});

/** @param batch as a deployment answers it, or as it stands in `batch.json`. */
export function stateOfApiBatch(batch: DeploymentBatch): BatchState {
  const additions = additionsSchema.parse(batch.batchdrop ?? {});
  const shards = additions.shards?.map(shardState) ?? null;
  const shardsOmitted = additions.shards_omitted ?? 0;
  return {
    handle: batch.id,
    id: batch.id,
    name: additions.name ?? null,
    status: batch.status,
    counts: batch.request_counts,
    endpoint: batch.endpoint || null,
    model: batch.model,
    isDryRun: additions.options?.dry_run ?? false,
    retryOf: additions.retry_of ?? null,
    moments: momentsOf(batch),
    deadlineAt: batch.expires_at,
    waiting: additions.waiting ?? null,
    retryable: retryableIn(shards, shardsOmitted),
    errors: batch.errors?.data ?? [],
    errorCount: additions.error_count ?? batch.errors?.data.length ?? 0,
    warningCount: additions.warning_count ?? 0,
    sidecarWarning: additions.sidecar_warning ?? null,
    tokens: batch.usage ? { input: batch.usage.input_tokens, output: batch.usage.output_tokens } : null,
    cost: additions.cost ?? null,
    validation: additions.report ?? null,
    shards,
    shardsOmitted,
    output: batch.output_file_id,
    errorFile: batch.error_file_id,
    table: additions.table ? tableState(additions.table, (_part, fileId) => fileId) : null,
    document: batch,
  };
}

/** @param referenceOf where a part is, for the transport that was asked. */
export function tableState(
  { format, parts, error }: z.infer<typeof resultTableSchema>,
  referenceOf: (part: number, fileId: string) => string,
): TableState {
  const referred = parts.map(({ file_id: fileId, bytes }, part) => ({ reference: referenceOf(part, fileId), bytes }));
  return { format, parts: referred, error };
}

function shardState(shard: z.infer<typeof shardSchema>): ShardState {
  const { provider_batch_id: providerBatchId, provider_status: providerStatus, last_error: lastError, ...rest } = shard;
  const { retryable, lost = 0, ...counted } = rest;
  const worthRetrying = retryable === undefined ? null : retryable + lost;
  return { ...counted, providerBatchId, providerStatus, lastError, retryable: worthRetrying };
}
