import { z } from 'zod';
import { batchStatuses } from '../../records/openai-batch.ts';
import { usageSchema } from '../../records/usage.ts';

const text = z.string().min(1).nullable().catch(null);

/** Unix seconds, or a date as some servers write it. */
const seconds = z
  .number()
  .transform(Math.floor)
  .or(z.iso.datetime({ offset: true }).transform((time) => Math.floor(Date.parse(time) / 1000)))
  .nullable()
  .catch(null);

const count = z.number().int().nonnegative().catch(0);

const batchErrorSchema = z.object({
  code: z.string().catch(''),
  message: z.string().catch(''),
  param: z.string().nullable().catch(null),
  line: z.number().int().nullable().catch(null),
});

/**
 * OpenAI's Batch with every field; null where it is unset, as on the wire. Tolerant, since servers that speak OpenAI's
 * API differ; fields that OpenAI has not stay as they are. Source: https://platform.openai.com/docs/api-reference/batch/object
 */
export const batchFieldsSchema = z.looseObject({
  id: z.string().min(1),
  object: z.literal('batch').catch('batch'),
  /** Null where the provider does not record it. */
  endpoint: text,
  model: text,
  errors: z
    .object({ object: z.literal('list').catch('list'), data: z.array(batchErrorSchema) })
    .nullable()
    .catch(null),
  input_file_id: text,
  completion_window: z.string().catch('24h'),
  /** A status that OpenAI does not have is treated as work in progress. */
  status: z.string().toLowerCase().pipe(z.enum(batchStatuses)).catch('in_progress'),
  output_file_id: text,
  error_file_id: text,
  created_at: seconds,
  in_progress_at: seconds,
  expires_at: seconds,
  finalizing_at: seconds,
  completed_at: seconds,
  failed_at: seconds,
  expired_at: seconds,
  cancelling_at: seconds,
  cancelled_at: seconds,
  request_counts: z
    .object({ total: count, completed: count, failed: count })
    .catch({ total: 0, completed: 0, failed: 0 }),
  usage: usageSchema.nullable().catch(null),
  metadata: z.record(z.string(), z.string()).nullable().catch(null),
});

export type BatchFields = z.infer<typeof batchFieldsSchema>;
