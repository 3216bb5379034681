import type { Pricing } from '../../lib/live/pricing.ts';
import type { ProviderConfig } from '../../lib/providers/config.ts';
import { Estimator } from '../../lib/providers/estimate/estimate.ts';
import { type Pricer, pricerOf } from '../../lib/providers/estimate/price.ts';
import { type ProviderKind, providers } from '../../lib/providers/registry.ts';

/** Prices of a provider that is called directly, by the public list and by what is known of its batches. */
export function pricingOf(kind: ProviderKind, config: ProviderConfig): Pricing {
  const seller = { name: kind, provider: providers[kind], config };
  const estimators = new Map<string, Estimator>();
  const pricers = new Map<string, Pricer | null>();
  return {
    estimate: (request, model, sentBytes) => {
      const estimator = estimators.get(model) ?? new Estimator(seller, model, {});
      estimators.set(model, estimator);
      const { batchUsd, assumptions } = estimator.estimate(request, sentBytes);
      return assumptions.every((assumption) => assumption === 'modelMaximum') ? batchUsd : null;
    },
    priceOf: (usage, model) => {
      const pricer = pricers.get(model) ?? pricerOf(seller, model);
      pricers.set(model, pricer);
      return pricer && { batchUsd: pricer.batch(usage), singleUsd: pricer.single(usage) };
    },
  };
}
