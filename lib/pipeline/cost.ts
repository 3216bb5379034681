import { pricerOf } from '../providers/estimate/price.ts';
import type { Cost } from '../records/batch.ts';
import type { ShardRecord } from '../records/shard.ts';
import { findAccount } from './configured-account.ts';
import type { Services } from './services.ts';

/** Enough to see what is missing. */
const maxUnpricedNames = 20;

/** What requests of one provider and model cost. */
export interface CostPart {
  provider: string;
  model: string;
  /** Null where no price is known. */
  usd: number | null;
  /** Whether they go as single calls, and not in batches. */
  isSingle: boolean;
  isSimulated: boolean;
}

/**
 * Sums what was paid. What has no known price is named, and the sum is then unknown.
 *
 * @param lost how many requests may have been paid for and have no result that tells what they cost.
 */
export function costOf(parts: readonly CostPart[], lost: number): Cost {
  return { ...sumOf(parts, Math.round), ...(lost > 0 && { lost }) };
}

/** Sums what may be paid, rounded up: a cap of the dollars that are shown holds the whole batch. */
export function estimatedCostOf(parts: readonly CostPart[]): Cost {
  return sumOf(parts, Math.ceil);
}

function sumOf(parts: readonly CostPart[], round: (microdollars: number) => number): Cost {
  let sum = 0;
  const unpriced = new Set<string>();
  for (const { provider, model, usd } of parts) {
    if (usd === null) unpriced.add(`${provider}/${model}`);
    else sum += usd;
  }
  const simulated = new Set(parts.flatMap(({ provider, isSimulated }) => (isSimulated ? [provider] : [])));
  return {
    usd: unpriced.size > 0 ? null : round(Number((sum * 1e6).toFixed(6))) / 1e6,
    unpriced: [...unpriced].slice(0, maxUnpricedNames),
    ...(parts.length > 0 && { prices: pricesOf(parts) }),
    ...(simulated.size > 0 && { simulated: [...simulated].slice(0, maxUnpricedNames) }),
  };
}

function pricesOf(parts: readonly CostPart[]): NonNullable<Cost['prices']> {
  if (parts.every(({ isSingle }) => isSingle)) return 'single';
  return parts.some(({ isSingle }) => isSingle) ? 'mixed' : 'batch';
}

/** Whether an account is simulated; one that left the configuration counts as real. */
export function isSimulated(services: Pick<Services, 'account'>, provider: string): boolean {
  return findAccount(services, provider)?.isSimulated ?? false;
}

/** What the answers of a shard cost, in US dollars; null where no price is known, or the account left the configuration, 0 before they are collected. */
export function spentOn(services: Pick<Services, 'account'>, shard: ShardRecord): number | null {
  const { provider, model, result, live } = shard;
  if (provider === null || !result) return 0;
  if (result.costUsd !== undefined) return result.costUsd;
  // Of a release that kept the tokens alone: they are priced as one request.
  const account = findAccount(services, provider);
  const pricer = account && pricerOf(account, model);
  return pricer && (live ? pricer.single(result.usage) : pricer.batch(result.usage));
}
