import type { ShardRecord } from '../../records/shard.ts';

/** The fields of a log line that say which shard it is about, where it was sent, and how often. */
export function nameOf(shard: ShardRecord): Record<string, unknown> {
  return {
    batchId: shard.batchId,
    round: shard.round,
    shard: shard.shard,
    provider: shard.provider,
    providerBatchId: shard.providerBatchId,
    attempt: shard.attempts,
  };
}
