import type { BatchRecord, Waiting } from '../../records/batch.ts';
import type { ShardRecord } from '../../records/shard.ts';

/** A reason longer than that is a page of HTML. */
const maxReasonLength = 500;

/**
 * Why a batch waits, if it does: the words of the shard that has been put off most often. A reason stays from one sending to the next,
 * until something of the batch is seen at work again.
 *
 * @param shards those of the round, as they are now.
 * @param hasProgressed whether more requests are done than before.
 */
export function waitingOf(
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  hasProgressed: boolean,
  nowMs: number,
): Waiting | null {
  const open = shards.filter(({ status }) => status !== 'collected');
  const [first, ...others] = open.filter(({ lastError }) => lastError !== null);
  if (!first) return hasProgressed || open.every(isAtWork) ? null : batch.waiting;
  const most = others.reduce((worst, shard) => (shard.deferrals > worst.deferrals ? shard : worst), first);
  const before = batch.waiting;
  return {
    reason: (most.lastError ?? '').slice(0, maxReasonLength),
    sinceMs: before?.sinceMs ?? nowMs,
    // Sendings that came to nothing count from the start; refusals before one count since the last sending.
    tries: Math.max(before?.tries ?? 0, most.deferrals, most.attempts),
    nextAtMs: most.notBeforeMs > nowMs ? most.notBeforeMs : null,
    provider: most.provider,
  };
}

/** A provider has begun with it, or its answers are there. */
function isAtWork({ status, counts, live }: ShardRecord): boolean {
  if (status === 'ended') return true;
  return status === 'submitted' && (live !== null || (counts !== null && counts.completed + counts.failed > 0));
}
