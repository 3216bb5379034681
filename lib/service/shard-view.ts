import { isSimulated, spentOn } from '../pipeline/cost.ts';
import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import type { ShardRecord } from '../records/shard.ts';
import type { ShardView } from '../records/shard-view.ts';

/** A shard as it is answered. */
export function shardView(services: Services, batch: BatchRecord, shard: ShardRecord): ShardView {
  const counts = shard.result ?? shard.counts;
  const { provider, result } = shard;
  return {
    object: 'batch.shard',
    id: placeOf(shard),
    round: shard.round,
    shard: shard.shard,
    status: shard.status,
    provider,
    model: shard.model,
    endpoint: shard.endpoint,
    is_live: shard.live !== null,
    is_simulated: provider !== null && isSimulated(services, provider),
    provider_batch_id: shard.providerBatchId,
    provider_status: shard.providerStatus,
    attempts: shard.attempts,
    requests: shard.lineCount,
    completed: counts?.completed ?? 0,
    failed: counts?.failed ?? 0,
    retryable: result?.retryable ?? 0,
    lost: result?.lost ?? 0,
    waiting: waitingOf(services, shard),
    last_error: shard.lastError,
    // Those of the first round, but for parts of others, stand from the moment on in which the batch goes on with them.
    created_at: shard.round === 0 && shard.partOf === null ? batch.inProgressAt : null,
    submitted_at: inSeconds(shard.submittedAtMs),
    ended_at: inSeconds(shard.endedAtMs),
    collected_at: inSeconds(shard.collectedAtMs),
    end: shard.end && { reason: shard.end.reason, code: shard.end.code },
    estimated_input_tokens: shard.estimatedTokens,
    usage: result?.usage ?? null,
    cost_usd: result && provider !== null ? spentOn(services, shard) : null,
    parts: shard.parts,
    part_of: shard.partOf?.shard ?? null,
  };
}

/** Why a shard makes no progress; one that its provider works on makes some. */
function waitingOf({ now }: Services, shard: ShardRecord): ShardView['waiting'] {
  const { status, lastError: reason, deferrals, deferredSinceMs = null, notBeforeMs } = shard;
  if (reason === null || status === 'collected' || status === 'split') return null;
  return {
    reason,
    since: deferrals > 0 ? inSeconds(deferredSinceMs) : null,
    tries: deferrals,
    next_at: notBeforeMs > now() ? inSeconds(notBeforeMs) : null,
  };
}

function inSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.floor(milliseconds / 1_000);
}

/** What a page of shards begins behind: round and number. */
function placeOf({ round, shard }: ShardRecord): string {
  return `${round}-${shard}`;
}

/** Whether a shard stands behind a place in the order of rounds and numbers. */
export function isBehind({ round, shard }: ShardRecord, place: string): boolean {
  const [lastRound = 0, lastShard = 0] = place.split('-').map(Number);
  return round > lastRound || (round === lastRound && shard > lastShard);
}
