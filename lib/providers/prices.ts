import type { Prices } from './contract.ts';
import { fits } from './shared/model-pattern.ts';

/** What a batch of a model saves of the list price. */
export function discountOf({ batchDiscount, discountOfModels = {} }: Prices, model: string): number {
  const special = Object.entries(discountOfModels).find(([pattern]) => fits(model, pattern));
  return special ? special[1] : batchDiscount;
}
