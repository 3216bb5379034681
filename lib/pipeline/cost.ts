import { calcPrice } from '@pydantic/genai-prices';
import { discountOf } from '../providers/prices.ts';
import type { Cost } from '../records/batch.ts';
import type { Usage } from '../records/usage.ts';
import type { Account } from './services.ts';

/** Enough to see what is missing. */
const maxUnpricedNames = 20;

/** Tokens of one provider and model. */
export interface PricedUsage {
  account: Pick<Account, 'name' | 'provider' | 'config'>;
  model: string;
  usage: Usage;
  /** Whether the requests went one by one, at the full price. */
  isLive?: boolean;
}

/** Prices tokens by the public list, less the provider's batch discount. What has no known price is named. */
export function costOf(parts: readonly PricedUsage[]): Cost {
  let usd = 0;
  const unpriced = new Set<string>();
  for (const part of parts) {
    const price = priceOf(part);
    if (price === null) unpriced.add(`${part.account.name}/${part.model}`);
    else usd += price;
  }
  return {
    usd: unpriced.size > 0 ? null : roundToMicrodollars(usd),
    unpriced: [...unpriced].slice(0, maxUnpricedNames),
  };
}

function priceOf({ account, model, usage, isLive = false }: PricedUsage): number | null {
  const tokens = {
    input_tokens: usage.input_tokens,
    cache_read_tokens: usage.input_tokens_details.cached_tokens,
    output_tokens: usage.output_tokens,
  };
  const price = calcPrice(tokens, model, sellerOf(account));
  return price ? price.total_price * (isLive ? 1 : 1 - discountOf(account.provider.prices, model)) : null;
}

/** Who asks for the price: of a live endpoint its address shows it, if anything does. */
function sellerOf({ config, provider }: PricedUsage['account']): { providerId: string } | { providerApiUrl: string } {
  const { list } = provider.prices;
  return list === null ? { providerApiUrl: config.baseUrl ?? '' } : { providerId: list };
}

function roundToMicrodollars(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}
