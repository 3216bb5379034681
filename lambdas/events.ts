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

/** What EventBridge says of a job on Bedrock. Source: Bedrock's user guide, "Monitor batch inference jobs", read 2026-11. */
const bedrockJobEventSchema = z
  .object({
    source: z.literal('aws.bedrock'),
    detail: z.object({ batchJobArn: z.string(), status: z.string() }),
  })
  .transform(({ detail }) => ({ jobArn: detail.batchJobArn, status: detail.status }));

/** The event of the clock, of a local start, or of a job on Bedrock. */
export const sweepSchema = z.union([
  bedrockJobEventSchema,
  z.object({ graceMs: z.number().optional(), isAlone: z.boolean().optional() }),
]);

/** Whether the event that called the sweep's function is about a job on Bedrock. */
export function isBedrockJobEvent(event: z.infer<typeof sweepSchema>): event is z.infer<typeof bedrockJobEventSchema> {
  return 'jobArn' in event;
}
