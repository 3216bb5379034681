import { z } from 'zod';
import { deploymentBatchSchema } from '../../../lib/client/deployment/replies.ts';
import { costSchema } from '../../../lib/records/batch.ts';
import { resultTableKey } from '../../../lib/records/object-keys.ts';
import { lineErrorSchema } from '../../../lib/records/openai-batch.ts';
import { resultTableSchema, stateOfApiBatch, tableState } from '../api/api-batch.ts';
import {
  type BatchState,
  errorListSchema,
  momentsOf,
  retryableIn,
  type ShardState,
  statedWaitingSchema,
} from '../batch-state.ts';

/** `status/<name>.json`, as far as it is shown. */
export const statusDocumentSchema = z.looseObject({
  batch_id: z.string().nullable(),
  status: z.string(),
  input: z.string().nullable(),
  waiting: statedWaitingSchema,
  model: z.string().nullish(),
  endpoint: z.string().nullish(),
  cost: costSchema.nullish(),
  dry_run: z.boolean().optional(),
  created_at: z.number(),
  deadline_at: z.number().nullish(),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
  output: z.string().nullable(),
  errors: z.string().nullable(),
  error_count: z.number(),
  first_error: z.nullable(lineErrorSchema),
  errors_sample: errorListSchema.optional(),
  warning_count: z.number().optional(),
  sidecar_warning: z.string().nullish(),
});

export type StatusDocument = z.infer<typeof statusDocumentSchema>;

/** @param handle the drop's key without `inbox/`. */
export function stateOfStatus(handle: string, status: StatusDocument): BatchState {
  return {
    handle,
    id: status.batch_id,
    name: handle,
    status: status.status,
    counts: status.request_counts,
    endpoint: status.endpoint ?? null,
    model: status.model ?? null,
    isDryRun: status.dry_run ?? false,
    retryOf: null,
    moments: momentsOf(status),
    deadlineAt: status.deadline_at ?? null,
    waiting: status.waiting ?? null,
    retryable: null,
    errors: status.errors_sample ?? (status.first_error ? [status.first_error] : []),
    errorCount: status.error_count,
    warningCount: status.warning_count ?? 0,
    sidecarWarning: status.sidecar_warning ?? null,
    tokens: null,
    cost: status.cost ?? null,
    validation: null,
    shards: null,
    shardsOmitted: 0,
    output: status.output,
    errorFile: status.errors,
    table: null,
    document: status,
  };
}

const fileSchema = z.object({ uri: z.string() }).nullish();

const providerBatchSchema = z.object({
  round: z.number(),
  shard: z.number(),
  provider: z.string(),
  model: z.string(),
  provider_batch_id: z.string().nullable(),
  provider_status: z.string().nullable(),
  end: z.string().nullable(),
  /** Absent from receipts of older releases. */
  refusal: z.object({ message: z.string() }).nullish(),
  requests: z.number(),
  completed: z.number(),
  failed: z.number(),
  retryable: z.number().optional(),
  lost: z.number().optional(),
});

/** What `batch.json` has beside the fields of OpenAI's object. */
const summarySchema = z.object({
  batchdrop: z.object({
    table: resultTableSchema.nullish(),
    receipt: z.object({
      provider_batches: z.array(providerBatchSchema),
      cost: costSchema,
      input: z.array(z.object({ key: z.string() })),
      output: fileSchema,
      errors: fileSchema,
    }),
  }),
});

/** @param document a batch's `batch.json`, which stands once it has ended. */
export function stateOfSummary(document: unknown): BatchState {
  const state = stateOfApiBatch(deploymentBatchSchema.parse(document));
  const { receipt, table } = summarySchema.parse(document).batchdrop;
  const shards = receipt.provider_batches.map(shardState);
  const isDryRun = state.status === 'completed' && state.counts.total === 0 && state.validation !== null;
  return {
    ...state,
    isDryRun,
    cost: isDryRun ? null : receipt.cost,
    shards,
    retryable: retryableIn(shards, 0),
    output: receipt.output?.uri ?? null,
    errorFile: receipt.errors?.uri ?? null,
    table: table ? tableState(table, (part) => resultTableKey(state.id ?? '', table.format, part)) : null,
  };
}

function shardState(sent: z.infer<typeof providerBatchSchema>): ShardState {
  const { round, shard, provider, model, requests, completed, failed, retryable, lost = 0 } = sent;
  return {
    round,
    shard,
    status: sent.end ?? 'pending',
    provider,
    model,
    providerBatchId: sent.provider_batch_id,
    providerStatus: sent.provider_status,
    requests,
    completed,
    failed,
    retryable: retryable === undefined ? null : retryable + lost,
    lastError: sent.refusal?.message ?? null,
  };
}

/** @returns the key of what the batch was made of, or null. */
export function inputKeyOf(document: unknown): string | null {
  return summarySchema.safeParse(document).data?.batchdrop.receipt.input[0]?.key ?? null;
}
