import { lazyClient, lazyLiveClient } from '../calls/lazy-client.ts';
import type { Provider } from '../provider.ts';
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
