import { z } from 'zod';
import { type BatchRecord, endedAt } from '../../records/batch.ts';
import { messageBatchIdOf } from '../../records/ids.ts';
import { hasEnded } from '../../records/openai-batch.ts';

const time = z.string().describe('RFC 3339, in UTC');
const count = z.number().int();

/** Anthropic's object. Source: @anthropic-ai/sdk 1.11 `MessageBatch`. */
export const messageBatchSchema = z
  .object({
    id: z.string().describe('`msgbatch_` and the digits of the batch that `/v1/batches` shows as `batch_`'),
    type: z.literal('message_batch'),
    processing_status: z.enum(['in_progress', 'canceling', 'ended']),
    request_counts: z
      .object({ processing: count, succeeded: count, errored: count, canceled: count, expired: count })
      .describe('All are `processing` until the batch has ended'),
    created_at: time,
    ended_at: time.nullable(),
    expires_at: time.describe("The batch's deadline"),
    cancel_initiated_at: time.nullable(),
    archived_at: z.null(),
    results_url: z.string().nullable().describe('Once the batch has ended'),
  })
  .meta({ id: 'MessageBatch' });

export type MessageBatch = z.infer<typeof messageBatchSchema>;

/** @param base URL of the API as the client wrote it, before `/v1`. */
export function messageBatchView(batch: BatchRecord, base: string): MessageBatch {
  const id = messageBatchIdOf(batch.id);
  return {
    id,
    type: 'message_batch',
    processing_status: statusOf(batch),
    request_counts: countsOf(batch),
    created_at: timeOf(batch.createdAtMs ?? batch.createdAt * 1_000),
    ended_at: secondsOrNull(endedAt(batch)),
    expires_at: timeOf(batch.deadlineAt * 1_000),
    cancel_initiated_at: secondsOrNull(batch.cancellingAt),
    archived_at: null,
    results_url: hasEnded(batch.status) ? `${base}/v1/messages/batches/${id}/results` : null,
  };
}

function statusOf({ status }: BatchRecord): MessageBatch['processing_status'] {
  switch (status) {
    case 'validating':
    case 'in_progress':
    case 'finalizing':
      return 'in_progress';
    case 'cancelling':
      return 'canceling';
    case 'completed':
    case 'failed':
    case 'expired':
    case 'cancelled':
      return 'ended';
  }
}

/** What was neither answered nor refused ran out of time or was cancelled. */
function countsOf({ status, verdict, counts, report, expiredCount }: BatchRecord): MessageBatch['request_counts'] {
  const { total, completed, failed } = counts;
  const none = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  if (!hasEnded(status)) return { ...none, processing: total };
  // Of a batch of which nothing was sent only the report knows how many there were.
  const found = Math.max(total, report?.lines ?? 0);
  if (status === 'failed') return { ...none, errored: found };
  if (verdict === 'dry_run') return { ...none, canceled: found };
  const unexecuted = total - completed - failed;
  const expired = expiredCount ?? (status === 'cancelled' ? 0 : unexecuted);
  return { ...none, succeeded: completed, errored: failed, expired, canceled: unexecuted - expired };
}

function secondsOrNull(seconds: number | null): string | null {
  return seconds === null ? null : timeOf(seconds * 1_000);
}

/** With microseconds, as Anthropic writes them. */
function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000+00:00');
}
