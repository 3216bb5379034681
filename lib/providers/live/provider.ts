import { anthropic } from '../anthropic/provider.ts';
import type { Provider } from '../contract.ts';
import { type Dialect, openAIWays, plainCreation } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { lazyClient } from '../shared/http/lazy-client.ts';
import { directUse, limits, notes } from './limits.ts';

const service = 'the live endpoint';

const dialect: Dialect = {
  ...openAIWays,
  service,
  baseUrl: null,
  // The SDK wants a key even where none goes out.
  credentials: (secret) =>
    secret === '' ? { apiKey: 'none', defaultHeaders: { authorization: null } } : { apiKey: secret },
  creation: plainCreation('24h'),
};

const ofLiveEndpoints = { kind: 'live', limits, direct: directUse, notes } as const;

/** Endpoints that speak OpenAI's API: vLLM, Ollama, gateways. */
export const live: Provider = {
  ...familyMember({
    ...ofLiveEndpoints,
    service,
    endpoints: ['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/completions'],
    dialectOf: () => dialect,
  }),
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectOpenAIEndpoint(settings, dialect)),
};

/** Endpoints that speak Anthropic's. */
export const liveAnthropic: Provider = {
  ...anthropic,
  ...ofLiveEndpoints,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectAnthropicEndpoint(settings)),
};
