import type { Services } from '../pipeline/services.ts';
import { listedModels } from '../providers/estimate/price.ts';
import { Router } from '../providers/routing.ts';
import { NotFoundError } from '../records/errors.ts';

/** A model that a request may name. */
export interface RoutedModel {
  /** As a request names it. */
  id: string;
  /** The account that it goes to. */
  account: string;
}

/**
 * The models that the configuration routes and whose names are known: those that it names, and those of the public price list. A
 * pattern may let through more.
 */
export function routedModels({ config, account }: Pick<Services, 'config' | 'account'>): RoutedModel[] {
  const router = new Router(config, undefined);
  const names = new Map<string, string>();
  for (const name of Object.keys(config.providers)) {
    const { models, prices = {} } = account(name).config;
    const candidates = [...models, ...Object.keys(prices), ...listedModels(account(name))];
    for (const model of candidates)
      for (const id of [model, `${name}/${model}`]) {
        const routed = model.includes('*') ? null : router.route(id).route;
        if (routed?.provider !== name) continue;
        names.set(id, name);
        break;
      }
  }
  return [...names].map(([id, of]) => ({ id, account: of })).toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

/** @throws NotFoundError for a model that goes nowhere. */
export function routedModel({ config }: Pick<Services, 'config'>, id: string): RoutedModel {
  const { route } = new Router(config, undefined).route(id);
  if (route) return { id, account: route.provider };
  throw new NotFoundError(`The model '${id.slice(0, 100)}' does not exist here, or no configured account has it.`);
}
