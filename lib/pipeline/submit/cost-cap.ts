import type { BatchRecord } from '../../records/batch.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { spentOn } from '../cost.ts';
import { costLimitOf } from '../maxima.ts';
import type { Services } from '../services.ts';

/**
 * Adds what the batch's answers cost in all rounds, what its open sendings may cost, and this one, and holds the sum against the cap.
 * Two shards that are sent at the same time count each other, so both may stop and neither passes the cap.
 *
 * @returns why the shard must not be sent; null where it may be.
 */
export async function capExcess(services: Services, batch: BatchRecord, shard: ShardRecord): Promise<string | null> {
  const limit = costLimitOf(services.config, batch.options);
  if (limit === undefined) return null;
  let others = 0;
  for (const { token } of batch.rounds)
    for (const other of await services.records.listShards(batch.id, token))
      if (other.set !== shard.set || other.shard !== shard.shard) others += committed(services, other);
  const sum = others + (shard.estimatedUsd ?? 0);
  if (sum <= limit) return null;
  return `This request was not sent: the batch has spent or committed $${others.toFixed(2)}, and $${(shard.estimatedUsd ?? 0).toFixed(2)} more would pass max_cost_usd ${limit}.`;
}

function committed(services: Services, shard: ShardRecord): number {
  switch (shard.status) {
    case 'pending':
    case 'split':
      return 0;
    case 'submitting':
    case 'submitted':
      return shard.estimatedUsd ?? 0;
    case 'ended':
      return shard.end?.reason === 'refused' ? 0 : (shard.estimatedUsd ?? 0);
    case 'collected':
      return spentOn(services, shard) ?? shard.estimatedUsd ?? 0;
  }
}
