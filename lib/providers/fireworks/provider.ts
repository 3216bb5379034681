import type { Provider } from '../contract.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { fireworksEndpoints, translateRequest } from './request.ts';
import { translateResult } from './result.ts';
import { type FireworksSettings, fireworksSettings } from './settings.ts';

const guide = 'https://docs.fireworks.ai/guides/batch-inference';

export const fireworks = {
  kind: 'fireworks',
  settings: fireworksSettings,
  models: ['accounts/fireworks/*'],
  /**
   * "Batch inference is billed at 50% of serverless pricing on both input and output". Whether that holds for the price of cached tokens
   * too is not said: no discount is assumed for them until a bill shows one. Source: https://docs.fireworks.ai/serverless/pricing, read
   * 2026-11.
   */
  prices: { list: 'fireworks', batchDiscount: 0.5, undiscounted: { '*': ['cached'] } },
  /**
   * A dataset may be larger; what is uploaded in one call has 150 MB at most. Source:
   * https://docs.fireworks.ai/api-reference/upload-dataset-files, read 2026-11; unconfirmed. No number of requests is published.
   */
  limits: { ...usualLimits, maxBytes: 150_000_000 },
  key: 'required',
  packages: [],
  // Its pages show ids of letters, digits and hyphens only; what it does with others is not known.
  direct: { ...usualUse, customIds: /^[A-Za-z0-9_-]{1,64}$/ },
  notes: {
    ...usualNotes,
    title: 'Fireworks AI',
    source: guide,
    lostCreateProof: 'our token, by which the job is named',
    warned: ['stream'],
  },
  example: { model: 'accounts/fireworks/models/llama-v3p1-8b-instruct', settings: { accountId: 'demo-account' } },
  endpoints: fireworksEndpoints,
  // The body keeps its values' bytes, and loses its model: that stands with the job.
  passesThrough: () => false,
  translateRequest,
  translateResult,
  connect: async (connection) => (await import('./client.ts')).connectFireworks(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveFireworks(connection),
} as const satisfies Provider<FireworksSettings>;
