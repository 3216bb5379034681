import type { BatchView } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import type { JsonObject } from '../json.ts';
import { batchLifetimeMs } from './limits.ts';

/** The batch object as Anthropic writes it. @param origin where the client reached us, for `results_url`. */
export function wireBatch({ record, planned, sums }: BatchView, origin: string): JsonObject {
  const hasEnded = planned !== null && sums !== null;
  const unfinished = sums?.unfinished ?? 0;
  const wasCancelled = planned?.timeline.ending === 'cancelled';
  return {
    id: record.id,
    type: 'message_batch',
    processing_status: hasEnded ? 'ended' : liveStatus(record),
    request_counts: {
      processing: hasEnded ? 0 : record.requestCount,
      succeeded: sums?.succeeded ?? 0,
      errored: sums?.errored ?? 0,
      canceled: wasCancelled ? unfinished : 0,
      expired: wasCancelled ? 0 : unfinished,
    },
    ended_at: hasEnded ? timeOrNull(planned.timeline.endsAtMs) : null,
    created_at: time(record.createdAtMs),
    expires_at: time(record.createdAtMs + batchLifetimeMs),
    archived_at: null,
    cancel_initiated_at: timeOrNull(record.cancelRequestedAtMs),
    results_url: hasEnded ? `${origin}/v1/messages/batches/${record.id}/results` : null,
  };
}

function liveStatus(record: BatchRecord): string {
  if (record.cancelRequestedAtMs !== null) return 'canceling';
  return faultOf(record, 'unknown_status')?.status ?? 'in_progress';
}

function timeOrNull(momentMs: number | null): string | null {
  return momentMs === null ? null : time(momentMs);
}

/** ISO 8601 with microseconds and an offset, as in recorded traffic: `2025-01-12T05:59:14.154311+00:00`. */
function time(momentMs: number): string {
  const [seconds = '', milliseconds = '000'] = new Date(momentMs).toISOString().slice(0, -1).split('.');
  return `${seconds}.${milliseconds}000+00:00`;
}
