import type { Provider } from '../contract.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
import { directUse, limits, notes } from './limits.ts';
import { mistralEndpoints, translateRequest } from './request.ts';
import { translateResult } from './result.ts';

export const mistral: Provider = {
  kind: 'mistral',
  limits,
  endpoints: mistralEndpoints,
  passesThrough: () => false,
  translateRequest,
  translateResult,
  direct: directUse,
  notes,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectMistral(settings)),
  live: (settings) => lazyLiveClient(async () => (await import('./live.ts')).connectLiveMistral(settings)),
};
