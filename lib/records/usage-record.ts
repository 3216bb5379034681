import { z } from 'zod';
import { usageSchema } from './usage.ts';

/** How long what a batch has used is kept: a year, and a month to look back at it. */
export const usageKeptSeconds = 400 * 24 * 3_600;

/** What the requests of one provider and model used. */
const usedModelSchema = z.object({
  provider: z.string(),
  model: z.string(),
  requests: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  usage: usageSchema,
  /** US dollars; null where no price was known. */
  usd: z.number().nullable(),
  /** Whether a simulator answered, so that nothing was paid. */
  isSimulated: z.boolean(),
});

export type UsedModel = z.infer<typeof usedModelSchema>;

/** What one batch has used, kept when it ends. */
export const usageRecordSchema = z.object({
  version: z.number().int(),
  tenant: z.string(),
  /** On which the batch ended first, in UTC: `2026-11-30`. */
  day: z.iso.date(),
  batchId: z.string(),
  /** Id of the API key that created it; null for a drop. */
  apiKeyId: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  models: z.array(usedModelSchema),
  /** Unix seconds; when DynamoDB removes it. */
  expiresAt: z.number().int(),
});

export type UsageRecord = z.infer<typeof usageRecordSchema>;

/** @param seconds a Unix timestamp. */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}
