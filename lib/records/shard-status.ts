/**
 * pending -> submitting -> submitted -> ended -> collected. Back to pending only where nothing was created, or nothing of
 * what was created can have run.
 *
 * `ended` says that no answer will come any more, for whatever reason: the provider's batch is terminal, or there is
 * none and never will be. Collect turns every ended shard, of whatever end, into exactly one result per line.
 *
 * `split` says that the provider took none of its lines and that other shards of the round, its parts, hold them now:
 * pending -> split.
 */
export const shardStatuses = ['pending', 'submitting', 'submitted', 'ended', 'collected', 'split'] as const;
