import { z } from 'zod';

/** What the state machine passes to a step. Loose: a later release may add to it. */
export const batchStepSchema = z.object({ batchId: z.string(), epoch: z.number().int() });
export const pollStepSchema = batchStepSchema.extend({ events: z.number().int() });
export const shardStepSchema = batchStepSchema.extend({ shard: z.number().int() });

/** EventBridge's "Object Created" event of S3, as far as it is used. Keys in it are not URL-encoded. */
export const objectCreatedSchema = z.object({
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string(), etag: z.string(), sequencer: z.string() }),
  }),
});

export const sweepSchema = z.object({ graceMs: z.number().optional(), isAlone: z.boolean().optional() });
