import * as z from 'zod/mini';
import { accountViewSchema } from '../../records/account-view.ts';
import { batchRequestSchema, requestPageSchema } from '../../records/batch-request.ts';
import { openAIBatchSchema } from '../../records/openai-batch.ts';
import { shardViewSchema } from '../../records/shard-view.ts';
import type { RefusalDetail } from './failures.ts';

/** OpenAI's Batch, and under `batchdrop` what a deployment says beyond it. */
export const deploymentBatchSchema = z.looseObject({
  ...openAIBatchSchema.shape,
  batchdrop: z.optional(z.record(z.string(), z.unknown())),
});

export type DeploymentBatch = z.infer<typeof deploymentBatchSchema>;

export const batchListSchema = z.object({
  data: z.array(deploymentBatchSchema),
  last_id: z.nullish(z.string()),
  has_more: z.boolean(),
  /** Of a deployment that can leave batches out. */
  batchdrop: z.optional(
    z.object({ looked: z.number(), looked_to: z.nullable(z.number()), next: z.nullable(z.string()) }),
  ),
});

export const shardListSchema = z.object({
  data: z.array(shardViewSchema),
  last_id: z.nullable(z.string()),
  has_more: z.boolean(),
  batchdrop: z.object({ total: z.number() }),
});

export type DeploymentShardList = z.infer<typeof shardListSchema>;

export const requestListSchema = z.object({ data: z.array(batchRequestSchema), batchdrop: requestPageSchema });

export type DeploymentRequestList = z.infer<typeof requestListSchema>;

export const accountListSchema = z.object({ data: z.array(accountViewSchema) });

const usageRowSchema = z.object({
  group: z.record(z.string(), z.nullable(z.string())),
  requests: z.number(),
  completed: z.number(),
  failed: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  usd: z.number(),
  simulated_usd: z.number(),
  unpriced: z.array(z.string()),
});

/** What batches of one group have used. */
export type UsageRow = z.infer<typeof usageRowSchema>;

export const usageSchema = z.object({
  from: z.string(),
  to: z.string(),
  by: z.array(z.string()),
  tenant: z.nullable(z.string()),
  data: z.array(usageRowSchema),
  next: z.nullable(z.string()),
});

/** A page of usage; the sums of all pages are to be added up. */
export type DeploymentUsage = z.infer<typeof usageSchema>;

export const fileSchema = z.object({
  id: z.string().check(z.minLength(1)),
  filename: z.string(),
  bytes: z.number(),
  purpose: z.string(),
  created_at: z.number(),
});

export type DeploymentFile = z.infer<typeof fileSchema>;

export const fileListSchema = z.object({ data: z.array(fileSchema) });

export const uploadSchema = z.object({ id: z.string().check(z.minLength(1)), file: z.nullish(fileSchema) });

export const partSchema = z.object({ id: z.string().check(z.minLength(1)) });

export const consoleTokenSchema = z.object({ token: z.string().check(z.minLength(1)) });

// Not z.catch(): it alone adds 3.5 KB to what a browser loads.
const refusalSchema = z.object({
  error: z.object({ message: z.string().check(z.minLength(1)), code: z.unknown(), param: z.unknown() }),
});

/** @returns null for a body that is not in OpenAI's form. */
export function refusalDetail(body: string): RefusalDetail | null {
  const read = refusalSchema.safeParse(jsonOrNull(body));
  if (!read.success) return rawDetail(body);
  const { message, code, param } = read.data.error;
  return { message, code: textOrNull(code), param: textOrNull(param) };
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Of what a gateway in between says that much shows who has answered. */
const maxRawCharacters = 300;

function rawDetail(body: string): RefusalDetail | null {
  const message = body.slice(0, maxRawCharacters).replaceAll(/\s+/g, ' ').trim();
  return message === '' ? null : { message, code: null, param: null };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
