import type { ProviderLimits } from '../providers/provider.ts';
import type { Account } from './services.ts';

/** A provider's limits, or the account's own where those are lower. */
export function limitsOf(account: Pick<Account, 'config' | 'provider'>): ProviderLimits {
  const { limits } = account.provider;
  const own = account.config.limits;
  return {
    ...limits,
    maxRequests: Math.min(limits.maxRequests, own.maxRequests ?? Number.POSITIVE_INFINITY),
    maxBytes: Math.min(limits.maxBytes, own.maxBytes ?? Number.POSITIVE_INFINITY),
    maxEmbeddingInputs: lower(limits.maxEmbeddingInputs, own.maxEmbeddingInputs),
  };
}

function lower(published: number | null, own: number | undefined): number | null {
  if (own === undefined) return published;
  return published === null ? own : Math.min(published, own);
}
