import type { ProviderKind } from './config.ts';

/** Where a line goes: a configured provider's name, and the model as that provider calls it. */
export interface Route {
  provider: string;
  model: string;
}

// The models that each kind of provider is known for. Source: the providers' model pages, read 2026-11.
const modelsOfKind: Record<ProviderKind, readonly string[]> = {
  openai: [
    'gpt-*',
    'chatgpt-*',
    'o1*',
    'o3*',
    'o4*',
    'text-embedding-*',
    'omni-moderation*',
    'text-moderation*',
    'davinci-*',
    'babbage-*',
    'dall-e-*',
    'sora-*',
    'ft:*',
  ],
  anthropic: ['claude-*'],
  bedrock: [
    'anthropic.claude-*',
    '*.anthropic.claude-*',
    'amazon.nova-*',
    '*.amazon.nova-*',
    'amazon.titan-embed-*',
    'meta.llama*',
    '*.meta.llama*',
    'mistral.*',
    '*.mistral.*',
    'ai21.*',
    'cohere.*',
    'deepseek.*',
    '*.deepseek.*',
    'google.gemma-*',
    'openai.gpt-oss-*',
    'qwen.*',
    'arn:aws*:bedrock:*',
  ],
  gemini: ['gemini-*'],
  // Its models are those of the Gemini API and of Anthropic: an account names its own.
  vertex: [],
  mistral: [
    'mistral-*',
    'open-mistral-*',
    'open-mixtral-*',
    'ministral-*',
    'magistral-*',
    'codestral-*',
    'devstral-*',
    'pixtral-*',
    'voxtral-*',
  ],
  // Their models are others' open ones, which many serve: an account names its own.
  groq: [],
  together: [],
  'openai-compatible': [],
  // A deployment's name is free.
  azure: [],
  xai: ['grok-*'],
  live: [],
};

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
   * built-in table.
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
    const providers = Object.entries(this.#config.providers);
    const own = providers.find(([, provider]) => matchesAny(model, provider.models));
    const builtIn = own ?? providers.find(([, provider]) => matchesAny(model, modelsOfKind[provider.kind]));
    return builtIn ? { provider: builtIn[0], model } : null;
  }
}

function matchesAny(model: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => toExpression(pattern).test(model));
}

function toExpression(pattern: string): RegExp {
  const escaped = pattern.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`);
}
