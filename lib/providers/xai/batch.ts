import { z } from 'zod';
import type { BatchStatus } from '../../records/openai-batch.ts';
import { timeMs, timeSeconds } from '../shared/http/provider-time.ts';

const count = z.number().int().nonnegative();
const text = z.string().min(1).nullish().catch(null);

const batchSchema = z.object({
  batch_id: z.string().min(1),
  name: text,
  input_file_id: text,
  create_time: text,
  expire_time: text,
  cancel_time: text,
  cancel_by_xai_message: text,
  state: z
    .object({ num_requests: count, num_pending: count, num_success: count, num_error: count, num_cancelled: count })
    .nullish()
    .catch(null),
});

type XaiBatch = z.infer<typeof batchSchema>;

/** What stands for the status of a batch whose counts cannot be read; nobody knows it, so the batch is waited for. */
const unreadableState = 'state_without_counts';

/** Our token stands in a batch's name, behind the sending's prefix. */
export function nameOf(prefix: string, token: string): string {
  return `${prefix} ${token}`;
}

/** xAI's batch in OpenAI's form; anything else stays as it is. */
export function openAIBatch(reply: unknown, nowMs: number): unknown {
  const parsed = batchSchema.safeParse(reply);
  if (!parsed.success) return reply;
  const batch = parsed.data;
  const status = statusOf(batch, nowMs);
  const endedAt = timeSeconds(batch.cancel_time);
  const resultsId = isReadable(status) ? batch.batch_id : null;
  return {
    id: batch.batch_id,
    status,
    input_file_id: batch.input_file_id,
    created_at: timeSeconds(batch.create_time),
    expires_at: timeSeconds(batch.expire_time),
    // It has no such time: a batch that counts no request has begun none.
    ...(batch.state?.num_requests === 0 && { in_progress_at: null }),
    cancelling_at: status === 'cancelling' ? endedAt : null,
    cancelled_at: status === 'cancelled' ? endedAt : null,
    failed_at: status === 'failed' ? endedAt : null,
    // Its results, failures among them, are under the batch's own id.
    output_file_id: resultsId,
    error_file_id: resultsId,
    metadata: batch.name ? { name: batch.name, token: batch.name.split(' ')[1] ?? '' } : null,
    request_counts: countsOf(batch),
    errors: batch.cancel_by_xai_message
      ? { data: [{ code: 'batch_failed', message: batch.cancel_by_xai_message }] }
      : null,
  };
}

/** Derived from its counts and times: it has no status. A batch that xAI itself cancels has failed its validation. */
function statusOf(batch: XaiBatch, nowMs: number): BatchStatus | typeof unreadableState {
  if (batch.cancel_by_xai_message) return 'failed';
  const { state } = batch;
  if (!state) return unreadableState;
  const isPending = state.num_pending > 0;
  if (batch.cancel_time) return isPending ? 'cancelling' : 'cancelled';
  if (isPending) return isPast(batch.expire_time, nowMs) ? 'expired' : 'in_progress';
  return state.num_requests === 0 ? 'validating' : 'completed';
}

function isReadable(status: string): boolean {
  return status === 'completed' || status === 'cancelled' || status === 'expired';
}

function countsOf({ state }: XaiBatch): object | null {
  return state ? { total: state.num_requests, completed: state.num_success, failed: state.num_error } : null;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Over REST its times may be bare dates: such a one has passed when its day has. */
function isPast(time: string | null | undefined, nowMs: number): boolean {
  const endsMs = timeMs(time) + (time?.includes(':') ? 0 : dayMs);
  return endsMs <= nowMs;
}
