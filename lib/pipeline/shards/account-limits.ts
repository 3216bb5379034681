import type { ProviderLimits } from '../../providers/contract.ts';
import type { Account } from '../services.ts';

/** What one provider batch of an account may hold. */
export interface AccountLimits extends ProviderLimits {
  /** Estimated prompt tokens of one model that may wait at a time; null without such a limit. */
  maxEnqueuedTokens: number | null;
}

/** A provider's limits, or the account's own: many published ones are unconfirmed, and quotas differ. */
export function limitsOf(account: Pick<Account, 'config' | 'provider'>): AccountLimits {
  const { limits } = account.provider;
  const own = account.config.limits;
  return {
    ...limits,
    maxRequests: own.maxRequests ?? limits.maxRequests,
    ...(own.minRequests !== undefined && { minRequests: own.minRequests }),
    maxBytes: own.maxBytes ?? limits.maxBytes,
    maxEmbeddingInputs: own.maxEmbeddingInputs ?? limits.maxEmbeddingInputs,
    maxEnqueuedTokens: own.maxEnqueuedTokens ?? null,
  };
}
