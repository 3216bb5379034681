import { anthropic } from '../anthropic/provider.ts';
import type { LiveClient, Provider } from '../contract.ts';
import { type Dialect, keylessCredentials, openAIWays, plainCreation } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { type LiveAccountSettings, liveSettings } from './settings.ts';

const service = 'the live endpoint';

const dialect: Dialect = {
  ...openAIWays,
  service,
  baseUrl: null,
  credentials: keylessCredentials,
  creation: plainCreation('24h'),
};

const { connect: _itHasNoBatches, ...openAIEndpoint } = familyMember<LiveAccountSettings>(
  service,
  ['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/completions'],
  () => dialect,
);

/** Any endpoint that answers requests one by one by OpenAI's API: vLLM, Ollama, a gateway, a model without batches. */
export const live = {
  ...openAIEndpoint,
  kind: 'live',
  settings: liveSettings,
  models: [],
  /** The address of the endpoint shows whose prices hold, if anything does; single calls save nothing. */
  prices: { list: null, batchDiscount: 0 },
  /** Ours alone: an endpoint has no batches. A shard is read again by each of its slices, so it is small. */
  limits: { ...usualLimits, maxRequests: 10_000, minRequests: Number.POSITIVE_INFINITY, maxBytes: 50_000_000 },
  key: 'optional',
  packages: [],
  direct: { ...usualUse, listsInputFile: false },
  notes: {
    ...usualNotes,
    title: 'Live endpoints',
    source: '#live-endpoints',
    lostCreateProof: 'nothing is created: calls under way at a crash are sent again',
  },
  example: { model: 'my-model', settings: { api: 'openai', baseUrl: 'http://127.0.0.1:9/v1' } },
  live: async (connection): Promise<LiveClient> => ({
    ...(await openAIEndpoint.live(connection)),
    ...(await import('./client.ts')).checkOfOpenAIEndpoint(connection, dialect),
  }),
} as const satisfies Provider<LiveAccountSettings>;

const { endpoints, passesThrough, sharedOf, translateRequest, translateResult } = anthropic;
const { sentOutputLimit, maxOutputTokens, pictureTokens } = anthropic;

/** The same for endpoints that speak Anthropic's. */
export const liveAnthropic = {
  ...live,
  endpoints,
  passesThrough,
  sharedOf,
  translateRequest,
  translateResult,
  sentOutputLimit,
  maxOutputTokens,
  pictureTokens,
  live: async (connection): Promise<LiveClient> => ({
    ...(await (await import('../anthropic/live.ts')).connectLiveAnthropic(connection)),
    ...(await import('./client.ts')).checkOfAnthropicEndpoint(connection),
  }),
} as const satisfies Provider<LiveAccountSettings>;
