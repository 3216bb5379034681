import type { Prices, UndiscountedKind } from './contract.ts';
import { fits } from './shared/model-pattern.ts';

/** What a batch of a model saves of the list price. */
export function discountOf({ batchDiscount, discountOfModels = {} }: Prices, model: string): number {
  return ofModel(discountOfModels, model) ?? batchDiscount;
}

/** Kinds of tokens of a model that a batch does not make cheaper. */
export function undiscountedKinds({ undiscounted = {} }: Prices, model: string): readonly UndiscountedKind[] {
  return ofModel(undiscounted, model) ?? [];
}

/** The value of the first pattern that a model fits; undefined where it fits none. */
export function ofModel<Value>(values: Readonly<Record<string, Value>>, model: string): Value | undefined {
  return Object.entries(values).find(([pattern]) => fits(model, pattern))?.[1];
}
