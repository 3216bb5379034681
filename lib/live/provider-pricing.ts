import type { ProviderConfig } from '../providers/config.ts';
import { Estimator } from '../providers/estimate/estimate.ts';
import { type Pricer, pricerOf } from '../providers/estimate/price.ts';
import { type ProviderKind, providers } from '../providers/registry.ts';
import type { Pricing } from './pricing.ts';

/** Prices of a provider that is called directly, by the public list and by what is known of its batches. */
export function pricingOf(kind: ProviderKind, config: ProviderConfig): Pricing {
  const seller = { name: kind, provider: providers[kind], config };
  const estimators = new Map<string, Estimator>();
  const pricers = new Map<string, Pricer | null>();
  return {
    atMost: (request, model, sentBytes) => {
      const estimator = estimators.get(model) ?? new Estimator(seller, model, {});
      estimators.set(model, estimator);
      const { batchUsd, singleUsd, assumptions } = estimator.atMost(request, sentBytes);
      const isBound = assumptions.every((assumption) => assumption === 'modelMaximum');
      return isBound && batchUsd !== null ? { batchUsd, singleUsd } : null;
    },
    priceOf: (usage, model) => {
      const pricer = pricers.get(model) ?? pricerOf(seller, model);
      pricers.set(model, pricer);
      return pricer && { batchUsd: pricer.batch(usage), singleUsd: pricer.single(usage) };
    },
  };
}
