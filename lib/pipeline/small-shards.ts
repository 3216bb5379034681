import { ended, noLiveWork, type ShardRecord } from '../core/shard.ts';
import { limitsOf } from './account-limits.ts';
import type { Account } from './services.ts';

type Targets = (provider: string) => Pick<Account, 'config' | 'provider'>;

/**
 * Decides how a shard goes that is too small for a batch of its provider: request by request where the provider can
 * do that, else not at all.
 */
export function placed(shard: ShardRecord, account: Targets, nowMs: number): ShardRecord {
  if (shard.provider === null) return shard;
  const target = account(shard.provider);
  const { minRequests = 0 } = limitsOf(target);
  if (shard.lineCount >= minRequests) return shard;
  if (target.provider.live) return { ...shard, live: noLiveWork };
  const message = `Provider '${shard.provider}' takes batches of ${minRequests} requests at least; here are ${shard.lineCount} for ${shard.model}. Put more requests for that model into the file, or name another provider for it.`;
  return ended(shard, { reason: 'refused', code: belowMinimum, message }, nowMs);
}

export const belowMinimum = 'below_minimum';

export function isBelowMinimum(shard: ShardRecord): boolean {
  return shard.end?.code === belowMinimum;
}
