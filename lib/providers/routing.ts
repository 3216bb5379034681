import { type ProviderKind, providers } from './registry.ts';
import { fits } from './shared/model-pattern.ts';

/** Where a line goes: a configured provider's name, and the model as that provider calls it. */
export interface Route {
  provider: string;
  model: string;
}

/** The configured accounts, as far as they decide where a model is. */
export interface Routes {
  providers: Record<string, { kind: ProviderKind; models: readonly string[] }>;
}

/** Decides where lines go. Made once for a batch; answers are remembered, since models repeat. */
export class Router {
  readonly #config: Routes;
  readonly #defaultProvider: string | undefined;
  readonly #routes = new Map<string, Route | null>();

  /** @param defaultProvider the batch's own `provider` option. */
  constructor(config: Routes, defaultProvider: string | undefined) {
    this.#config = config;
    this.#defaultProvider = defaultProvider;
  }

  /**
   * `provider/model` names the provider; else the batch's option does; else the configured `models` and then the
   * models that each kind of provider is known for.
   *
   * @returns null where no provider has the model.
   */
  route(model: string): Route | null {
    const known = this.#routes.get(model);
    if (known !== undefined) return known;
    const route = this.#find(model);
    if (this.#routes.size < 10_000) this.#routes.set(model, route);
    return route;
  }

  #find(model: string): Route | null {
    const slash = model.indexOf('/');
    const prefix = model.slice(0, Math.max(0, slash));
    if (Object.hasOwn(this.#config.providers, prefix)) return { provider: prefix, model: model.slice(slash + 1) };
    if (this.#defaultProvider !== undefined) return { provider: this.#defaultProvider, model };
    const accounts = Object.entries(this.#config.providers);
    const own = accounts.find(([, account]) => fitsAny(model, account.models));
    const known = own ?? accounts.find(([, account]) => fitsAny(model, providers[account.kind].models));
    return known ? { provider: known[0], model } : null;
  }
}

function fitsAny(model: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => fits(model, pattern));
}
