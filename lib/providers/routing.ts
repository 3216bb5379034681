import { exampleEntry, kindNamed } from './example-entry.ts';
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

/** What is said of a model: where it goes, with a sentence where that may surprise; or why it goes nowhere. */
export type Routing =
  | { route: Route; note: string | null }
  | { route: null; problem: { code: 'model_not_found' | 'ambiguous_model'; message: string } };

/** Decides where lines go. Made once for a batch; answers are remembered, since models repeat. */
export class Router {
  readonly #accounts: readonly [name: string, account: Routes['providers'][string]][];
  readonly #batchProvider: string | undefined;
  readonly #routings = new Map<string, Routing>();

  /** @param batchProvider the batch's own `provider` option. */
  constructor({ providers: accounts }: Routes, batchProvider: string | undefined) {
    this.#accounts = Object.entries(accounts);
    this.#batchProvider = batchProvider;
  }

  /**
   * The first of these that applies: a configured pattern that the whole name fits, the batch's provider before others; with
   * a batch's provider, that one; the account that stands before the first slash; the models that each kind of provider is known for.
   */
  route(model: string): Routing {
    const known = this.#routings.get(model);
    if (known) return known;
    const routing = this.#find(model);
    if (this.#routings.size < 10_000) this.#routings.set(model, routing);
    return routing;
  }

  #find(model: string): Routing {
    const prefix = this.#accountNamed(prefixOf(model));
    const fitting = this.#accounts.flatMap(([name, { models }]) => (fitsAny(model, models) ? [name] : []));
    const first = [this.#batchProvider, prefix].find((name) => name !== undefined && fitting.includes(name));
    const [own, ...others] = first === undefined ? fitting : [first];
    if (own !== undefined) return others.length > 0 ? this.#ambiguous(model, fitting) : this.#byPattern(model, own);
    const named = this.#batchProvider ?? prefix;
    if (named !== undefined) return this.#at(named, model, withoutPrefix(model, named) ?? model);
    const known = this.#accounts.find(([, { kind }]) => fitsAny(model, providers[kind].models));
    return known ? this.#at(known[0], model, model) : { route: null, problem: this.#unknown(model) };
  }

  /** `a/x` is x at `a` where its patterns fit x as well, as `*` does: else the pattern was written for the whole name. */
  #byPattern(model: string, name: string): Routing {
    const bare = withoutPrefix(model, name);
    const patterns = this.#accounts.find(([account]) => account === name)?.[1].models ?? [];
    return this.#at(name, model, bare !== null && fitsAny(bare, patterns) ? bare : model);
  }

  #at(provider: string, written: string, model: string): Routing {
    return { route: { provider, model }, note: this.#noteOn(provider, written) };
  }

  /** @param model as written. */
  #noteOn(provider: string, model: string): string | null {
    const batchProvider = this.#batchProvider;
    if (batchProvider !== undefined && batchProvider !== provider)
      return `The model '${model}' goes to '${provider}', whose models it fits, and not to the batch's provider. For that one write '${batchProvider}/${model}'.`;
    const prefix = this.#accountNamed(prefixOf(model));
    if (prefix === undefined || prefix === provider) return null;
    const why = batchProvider === undefined ? 'whose models it fits' : "the batch's provider";
    return `The model '${model}' goes to '${provider}', ${why}, under its whole name, although '${prefix}' is an account as well. For that one name '${prefix}' as the batch's provider.`;
  }

  #ambiguous(model: string, fitting: readonly string[]): Routing {
    const names = fitting.map((name) => `'${name}/${model}'`);
    const without = this.#batchProvider === undefined ? '' : ", without the batch's provider";
    const message = `The model '${model}' fits the 'models' of ${listOf(fitting.map(quoted))} in the configuration. Write it as ${names.join(' or ')}${without}.`;
    return { route: null, problem: { code: 'ambiguous_model', message } };
  }

  #unknown(model: string): { code: 'model_not_found'; message: string } {
    const message = `The provided model '${model}' is not supported by the Batch API. ${this.#adviceOn(model)}`;
    return { code: 'model_not_found', message };
  }

  #adviceOn(model: string): string {
    const prefix = prefixOf(model);
    const kind = kindNamed(prefix) ?? kindWith(model);
    const [ofKind] = this.#accounts.find(([, account]) => account.kind === kind) ?? [];
    if (ofKind !== undefined)
      return `The account of kind '${kind}' is '${ofKind}': write '${ofKind}${model.slice(prefix.length)}'.`;
    if (kind !== null)
      return `No provider of kind '${kind}' is configured: add ${exampleEntry(kind)} to 'providers' in batchdrop.config.json.`;
    const names = this.#accounts.map(([name]) => name);
    return `Name its provider, as in '${names[0]}/${model}', in the batch's provider option, or by 'models' in batchdrop.config.json; configured are ${listOf(names)}.`;
  }

  #accountNamed(name: string): string | undefined {
    return this.#accounts.find(([account]) => account === name)?.[0];
  }
}

function fitsAny(model: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => fits(model, pattern));
}

/** What stands before the first slash; empty where there is none. */
function prefixOf(model: string): string {
  return model.slice(0, Math.max(0, model.indexOf('/')));
}

/** @returns null where the name does not begin with the account's. */
function withoutPrefix(model: string, account: string): string | null {
  return model.startsWith(`${account}/`) ? model.slice(account.length + 1) : null;
}

function kindWith(model: string): ProviderKind | null {
  return Object.values(providers).find(({ models }) => fitsAny(model, models))?.kind ?? null;
}

function quoted(name: string): string {
  return `'${name}'`;
}

function listOf(names: readonly string[]): string {
  return new Intl.ListFormat('en').format(names);
}
