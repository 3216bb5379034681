import type { Provider } from '../contract.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
import { directUse, limits, notes } from './limits.ts';
import { bedrockEndpoints, lacks } from './model-family.ts';
import { translateRequest } from './request.ts';
import { translateResult } from './result.ts';

export const bedrock: Provider = {
  kind: 'bedrock',
  limits,
  endpoints: bedrockEndpoints,
  lacks,
  // A Messages body keeps its values' bytes, and loses its model.
  passesThrough: () => false,
  translateRequest,
  translateResult,
  direct: directUse,
  notes,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectBedrock(settings)),
  live: (settings) => lazyLiveClient(async () => (await import('./live.ts')).connectLiveBedrock(settings)),
};
