import type { Provider } from '../contract.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
import { directUse, limits, notes } from './limits.ts';
import { translateRequest, vertexEndpoints } from './request.ts';
import { translateResult } from './result.ts';

export const vertex: Provider = {
  kind: 'vertex',
  limits,
  endpoints: vertexEndpoints,
  passesThrough: () => false,
  translateRequest,
  translateResult,
  direct: directUse,
  notes,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectVertex(settings)),
  live: (settings) => lazyLiveClient(async () => (await import('./live.ts')).connectLiveVertex(settings)),
};
