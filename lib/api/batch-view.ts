import { z } from 'zod';
import { sidecarWarning } from '../pipeline/drop-options.ts';
import type { Services } from '../pipeline/services.ts';
import { invalidOutputCount, tableView } from '../pipeline/table-view.ts';
import {
  type BatchRecord,
  batchObject,
  costSchema,
  hasLineErrors,
  nameOf,
  reportSchema,
  shownWaiting,
} from '../records/batch.ts';
import { resultKey } from '../records/object-keys.ts';
import { openAIBatchSchema } from '../records/openai-batch.ts';
import { batchOptionsSchema, shownOptions } from '../records/options.ts';
import type { ShardRecord } from '../records/shard.ts';
import { breakdownSchema, shardViewSchema } from '../records/shard-view.ts';
import { outputFormats } from '../records/table-kind.ts';
import { areSimulated, type BatchDetails, breakdownOf } from '../service/batch-details.ts';
import { isBehind, shardView } from '../service/shard-view.ts';

const uri = z.string().nullable();

/** What we say beyond OpenAI's object, all in one place. */
const additionsSchema = z.object({
  tenant: z.string(),
  name: z.string().nullable().describe('What its file is called; for a drop its key without `inbox/`'),
  options: batchOptionsSchema.omit({ metadata: true, idempotency_key: true }),
  ignored_metadata: z.array(z.string()).describe("Names in a dropped object's metadata that are no options"),
  repeated: z
    .boolean()
    .optional()
    .describe('Only in the answer to a creation: whether it is the batch that an earlier try of the same call made'),
  api_key_id: z.string().nullable().describe('The API key that created it; null for a drop'),
  waiting: z
    .object({
      reason: z.string(),
      since: z.number().int().describe('Unix timestamp, in seconds'),
      tries: z.number().int().describe('How often it was tried in vain'),
      next_at: z.number().int().nullable().describe('Unix timestamp, in seconds; null where the next look decides'),
      provider: z.string().nullable(),
    })
    .nullable()
    .describe('Why it makes no progress; null while it does'),
  retry_of: z.string().nullable().describe('The batch whose failed requests these are'),
  error_count: z.number().int().describe('Validation errors; `errors` holds the first hundred'),
  warning_count: z.number().int(),
  sidecar_warning: z.string().nullable().describe('Why the options of a sidecar are not applied'),
  validation: uri.describe('s3:// URI of all validation errors'),
  warnings: uri.describe('s3:// URI of all warnings'),
  invalid_outputs: z
    .number()
    .int()
    .nullable()
    .describe('Answers that cannot be used as what their schemas ask for; null where none was held against a schema'),
  cost: costSchema.nullable(),
  report: reportSchema.nullable().describe('What validation found, and what it would cost'),
  table: z
    .object({
      format: z.enum(outputFormats),
      rows: z.number().int(),
      uri: uri.describe('The folder of its parts in the bucket'),
      parts: z.array(z.object({ file_id: z.string(), bytes: z.number().int(), rows: z.number().int() })),
      error: z.string().nullable().describe('Why it could not be made'),
      invalid_outputs: z
        .number()
        .int()
        .nullable()
        .describe(
          'Answers that cannot be used as what the template asked for; null where none was held against a schema',
        ),
      unchecked: z.string().nullable().describe("Why the template's schema was not checked"),
    })
    .nullable()
    .describe('The results table, where the input is a table or output_format asks for one; once it is made'),
  receipt: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe(
      'What was sent where; once the batch has ended. `provider_batches` holds the first thousand, and `provider_batches_omitted` is how many more `batch.json` in the bucket has',
    ),
  is_simulated: z
    .boolean()
    .nullable()
    .optional()
    .describe('Whether simulators alone answer its requests; null before they are routed. Not in lists'),
  breakdown: z
    .array(breakdownSchema)
    .optional()
    .describe('What it has used and cost so far, of all sendings that are collected. Not in lists'),
  shards: z.array(shardViewSchema).optional().describe('A thousand, those behind `shards_after`; not in lists'),
  shards_omitted: z.number().int().optional().describe('How many more shards the batch has behind these'),
});

export const batchViewSchema = z
  .object({
    ...openAIBatchSchema.shape,
    input_file_id: z.string(),
    completion_window: z.literal('24h'),
    created_at: z.number().int(),
    batchdrop: additionsSchema,
  })
  .meta({ id: 'Batch' });

/**
 * Shards and provider batches that an answer holds at most. A shard with the longest error text takes 4 KB while it waits and less
 * beside a receipt, so that an answer stays below the 6 MB that Lambda takes of one.
 */
const maxListedShards = 1_000;

export type BatchView = z.input<typeof batchViewSchema>;

/** Which shards a batch is answered with. */
export const shardsAfterParameter = z
  .string()
  .regex(/^\d{1,7}-\d{1,7}$/, 'name a shard by its round and its number, as 0-999')
  .optional()
  .describe('Round and number of the last shard that is known, as `0-999`');

/** A batch as it is answered: OpenAI's object and our additions. Without details, as in lists. */
export function batchView(
  services: Services,
  batch: BatchRecord,
  details: BatchDetails | null,
  shardsAfter?: string,
): BatchView {
  const shards = details && shardsBehind(details.shards, shardsAfter);
  const soFar = details && {
    is_simulated: areSimulated(services, batch, details.shards),
    breakdown: breakdownOf(services, batch, details.shards),
  };
  const uriIf = (exists: boolean, name: 'validation.jsonl' | 'warnings.jsonl') =>
    exists ? `s3://${services.objects.bucket}/${resultKey(batch.id, name)}` : null;
  return {
    ...batchObject(batch),
    batchdrop: {
      tenant: batch.tenant,
      name: nameOf(batch),
      options: shownOptions(batch.options),
      ignored_metadata: batch.ignoredMetadata ?? [],
      api_key_id: batch.apiKeyId ?? null,
      waiting: shownWaiting(batch),
      retry_of: batch.retryOf,
      error_count: batch.errorCount,
      warning_count: batch.warningCount,
      sidecar_warning: sidecarWarning(batch),
      validation: uriIf(hasLineErrors(batch), 'validation.jsonl'),
      warnings: uriIf(batch.warningCount > 0, 'warnings.jsonl'),
      invalid_outputs: invalidOutputCount(batch),
      cost: batch.cost,
      report: batch.report,
      table: tableView(services, batch),
      receipt: details?.receipt ? shortReceipt(details.receipt) : null,
      ...soFar,
      ...(shards && {
        shards: shards.slice(0, maxListedShards).map((shard) => shardView(services, batch, shard)),
        shards_omitted: Math.max(0, shards.length - maxListedShards),
      }),
    },
  };
}

/** @param shards by round and number. */
export function shardsBehind(shards: readonly ShardRecord[], place: string | undefined): readonly ShardRecord[] {
  return place === undefined ? shards : shards.filter((shard) => isBehind(shard, place));
}

function shortReceipt(receipt: Record<string, unknown>): Record<string, unknown> {
  const { provider_batches: all } = receipt;
  if (!Array.isArray(all) || all.length <= maxListedShards) return receipt;
  return {
    ...receipt,
    provider_batches: all.slice(0, maxListedShards),
    provider_batches_omitted: all.length - maxListedShards,
  };
}

/** Lists carry no more errors than this of each batch: 100 batches with all of theirs would not fit into an answer. */
const maxListedErrors = 10;

export function listedBatchView(services: Services, batch: BatchRecord): BatchView {
  return batchView(services, { ...batch, errors: batch.errors.slice(0, maxListedErrors) }, null);
}
