import type { Provider } from '../contract.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
import { directUse, limits, notes } from './limits.ts';
import { anthropicEndpoints, passesThrough, translateRequest } from './request.ts';
import { translateResult } from './result.ts';

export const anthropic: Provider = {
  kind: 'anthropic',
  limits,
  endpoints: anthropicEndpoints,
  passesThrough,
  translateRequest,
  translateResult,
  direct: directUse,
  notes,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectAnthropic(settings)),
  live: (settings) => lazyLiveClient(async () => (await import('./live.ts')).connectLiveAnthropic(settings)),
};
