import type { Provider } from '../contract.ts';
import { translatedResults } from '../openai-family/result.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { openRouterEndpoints, preferencesOf, translateRequest } from './request.ts';
import { type OpenRouterSettings, openRouterSettings } from './settings.ts';

const guide = 'https://openrouter.ai/docs/guides/features/batch-api';

/** Its models are others', by names such as `anthropic/claude-sonnet-4.5`, which many serve: an account names its own. */
export const openrouter = {
  kind: 'openrouter',
  settings: openRouterSettings,
  models: [],
  /** "Typically billed at 50%", and caching by model: what is not said of a model is not assumed. Source: the guide, read 2026-11. */
  prices: { list: 'openrouter', batchDiscount: 0.5, undiscounted: { '*': ['cached', 'written'] } },
  /**
   * "Up to 5,000 requests in one call"; no size is published, so a small one. Source: the guide, read 2026-11; unconfirmed. What
   * surrounds the lines names endpoint, model and provider.
   */
  limits: { ...usualLimits, maxRequests: 5_000, maxBytes: 50_000_000, overheadBytes: { batch: 4_096, line: 1 } },
  key: 'required',
  packages: [],
  direct: { ...usualUse, listsInputFile: false, cancels: false },
  notes: {
    ...usualNotes,
    title: 'OpenRouter',
    source: guide,
    lostCreateProof: 'our ids in its results, once it has ended',
    warned: ['stream'],
    refused: ['pictures and files in the line itself', 'audio', 'provider beyond only and allow_fallbacks'],
  },
  example: { model: 'openai/gpt-4o-mini' },
  endpoints: openRouterEndpoints,
  // The body keeps its values' bytes, and loses its model and provider: those stand with the batch.
  passesThrough: () => false,
  sharedOf: preferencesOf,
  translateRequest,
  translateResult: translatedResults('OpenRouter'),
  connect: async (connection) => (await import('./client.ts')).connectOpenRouter(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveOpenRouter(connection),
} as const satisfies Provider<OpenRouterSettings>;
