import * as z from 'zod/mini';
import { openAIBatchSchema } from '../../lib/records/openai-batch.ts';
import { breakdownSchema, shardViewSchema } from '../../lib/records/shard-view.ts';

/** Dollars, and what is to be known of them. */
const costSchema = z.object({
  usd: z.nullable(z.number()),
  unpriced: z.array(z.string()),
  prices: z.optional(z.enum(['batch', 'single', 'mixed'])),
  simulated: z.optional(z.array(z.string())),
});

export type Cost = z.infer<typeof costSchema>;

const waitingSchema = z.object({
  reason: z.string(),
  since: z.number(),
  tries: z.number(),
  next_at: z.nullable(z.number()),
  provider: z.nullish(z.string()),
});

const reportSchema = z.object({
  lines: z.number(),
  invalidLines: z.number(),
  warnings: z.number(),
  shards: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      endpoint: z.string(),
      shards: z.number(),
      requests: z.number(),
      bytes: z.number(),
    }),
  ),
  estimatedInputTokens: z.number(),
  estimatedOutputTokens: z.number(),
  estimatedCost: costSchema,
  isOutputBound: z.optional(z.boolean()),
  assumptions: z.optional(z.array(z.string())),
  routingNotes: z.optional(z.array(z.string())),
});

/** What a validation found before anything was sent. */
export type Report = z.infer<typeof reportSchema>;

const tableSchema = z.object({
  format: z.string(),
  rows: z.number(),
  parts: z.array(z.object({ file_id: z.string(), bytes: z.number(), rows: z.number() })),
  error: z.nullable(z.string()),
  invalid_outputs: z.nullish(z.number()),
});

/** What a deployment says beyond OpenAI's object, as far as the page shows it. */
const additionsSchema = z.object({
  tenant: z.optional(z.string()),
  name: z.nullish(z.string()),
  options: z.optional(z.record(z.string(), z.unknown())),
  ignored_metadata: z.optional(z.array(z.string())),
  waiting: z.nullish(waitingSchema),
  retry_of: z.nullish(z.string()),
  error_count: z.optional(z.number()),
  warning_count: z.optional(z.number()),
  sidecar_warning: z.nullish(z.string()),
  cost: z.nullish(costSchema),
  report: z.nullish(reportSchema),
  table: z.nullish(tableSchema),
  receipt: z.nullish(z.record(z.string(), z.unknown())),
  breakdown: z.optional(z.array(breakdownSchema)),
  is_simulated: z.nullish(z.boolean()),
  shards: z.optional(z.array(shardViewSchema)),
  shards_omitted: z.optional(z.number()),
});

export const batchSchema = z.object({ ...openAIBatchSchema.shape, batchdrop: additionsSchema });

/** A batch as the page shows it. */
export type Batch = z.infer<typeof batchSchema>;
