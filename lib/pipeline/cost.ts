import type { Cost } from '../records/batch.ts';
import type { ShardRecord } from '../records/shard.ts';
import { findAccount } from './configured-account.ts';
import { pricerOf } from './price.ts';
import type { Services } from './services.ts';

/** Enough to see what is missing. */
const maxUnpricedNames = 20;

/** What requests of one provider and model cost. */
export interface CostPart {
  provider: string;
  model: string;
  /** Null where no price is known. */
  usd: number | null;
}

/** Sums costs. What has no known price is named, and the sum is then unknown. */
export function costOf(parts: readonly CostPart[]): Cost {
  let sum = 0;
  const unpriced = new Set<string>();
  for (const { provider, model, usd } of parts) {
    if (usd === null) unpriced.add(`${provider}/${model}`);
    else sum += usd;
  }
  return {
    usd: unpriced.size > 0 ? null : roundToMicrodollars(sum),
    unpriced: [...unpriced].slice(0, maxUnpricedNames),
  };
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

function roundToMicrodollars(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
