import type { ProviderLimits } from '../providers/provider.ts';
import type { Account } from './services.ts';

/** A provider's limits, or the account's own: many published ones are unconfirmed, and quotas differ. */
export function limitsOf(account: Pick<Account, 'config' | 'provider'>): ProviderLimits {
  const { limits } = account.provider;
  const own = account.config.limits;
  return {
    ...limits,
    maxRequests: own.maxRequests ?? limits.maxRequests,
    maxBytes: own.maxBytes ?? limits.maxBytes,
    maxEmbeddingInputs: own.maxEmbeddingInputs ?? limits.maxEmbeddingInputs,
  };
}
