// zod/mini, since the client of a deployment reads its replies by these schemas in a browser: a tenth of zod's size.
import * as z from 'zod/mini';
import { usageSchema } from './usage.ts';

/** OpenAI's eight. A batch only moves forward through them. */
export const batchStatuses = [
  'validating',
  'failed',
  'in_progress',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
] as const;

export type BatchStatus = (typeof batchStatuses)[number];
export type TerminalStatus = 'failed' | 'completed' | 'expired' | 'cancelled';

/** Whether a batch has ended, well or not: its status no longer changes. */
export function hasEnded(status: BatchStatus): status is TerminalStatus {
  switch (status) {
    case 'failed':
    case 'completed':
    case 'expired':
    case 'cancelled':
      return true;
    case 'validating':
    case 'in_progress':
    case 'finalizing':
    case 'cancelling':
      return false;
  }
}

/** What is wrong with one line, in the form of OpenAI's `batch.errors.data`. */
export const lineErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  param: z.nullable(z.string()),
  /** Position in the input file, from 1; null for the file as a whole. */
  line: z.nullable(z.int()),
});

export type LineError = z.infer<typeof lineErrorSchema>;

const time = z.nullable(z.int()).check(z.describe('Unix timestamp, in seconds'));

/**
 * OpenAI's Batch object with every field; null where it is unset, as on the wire. Times are unix seconds.
 * Source: https://platform.openai.com/docs/api-reference/batch/object, read 2026-11.
 */
export const openAIBatchSchema = z.object({
  id: z.string(),
  object: z.literal('batch'),
  endpoint: z.string(),
  model: z.nullable(z.string()),
  errors: z.nullable(z.object({ object: z.literal('list'), data: z.array(lineErrorSchema) })),
  /** Null where a provider takes its requests without a file. */
  input_file_id: z.nullable(z.string()),
  completion_window: z.string(),
  status: z.enum(batchStatuses),
  output_file_id: z.nullable(z.string()),
  error_file_id: z.nullable(z.string()),
  /** Null where a provider does not say it. */
  created_at: time,
  in_progress_at: time,
  expires_at: time,
  finalizing_at: time,
  completed_at: time,
  failed_at: time,
  expired_at: time,
  cancelling_at: time,
  cancelled_at: time,
  request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
  usage: z.nullable(usageSchema),
  metadata: z.nullable(z.record(z.string(), z.string())),
});

export type OpenAIBatch = z.infer<typeof openAIBatchSchema>;

/** A batch of which nothing is known but its id. */
export function emptyBatch(id: string) {
  return {
    id,
    object: 'batch',
    endpoint: '',
    model: null,
    errors: null,
    input_file_id: null,
    completion_window: '24h',
    status: 'validating',
    output_file_id: null,
    error_file_id: null,
    created_at: null,
    in_progress_at: null,
    expires_at: null,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    usage: null,
    metadata: null,
  } as const satisfies OpenAIBatch;
}
