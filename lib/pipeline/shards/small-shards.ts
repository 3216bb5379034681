import { noLiveWork, type ShardRecord } from '../../records/shard.ts';
import type { Account } from '../services.ts';
import { limitsOf } from './account-limits.ts';

type Targets = (provider: string) => Pick<Account, 'config' | 'provider'>;

/** Decides how a shard goes: as a batch, or request by request where it is too small for one of its provider. */
export function makeLiveIfSmall(shard: ShardRecord, account: Targets): ShardRecord {
  if (shard.provider === null) return shard;
  const { minRequests = 0 } = limitsOf(account(shard.provider));
  if (shard.lineCount >= minRequests) return shard;
  const { estimatedSingleUsd: estimatedUsd } = shard;
  return { ...shard, live: noLiveWork, ...(estimatedUsd !== undefined && { estimatedUsd }) };
}
