import { lazyClient, lazyLiveClient } from '../calls/lazy-client.ts';
import type { Provider } from '../provider.ts';
import { directUse, limits, notes } from './limits.ts';
import { geminiEndpoints, translateRequest } from './request.ts';
import { translateResult } from './result.ts';

export const gemini: Provider = {
  kind: 'gemini',
  limits,
  endpoints: geminiEndpoints,
  passesThrough: () => false,
  translateRequest,
  translateResult,
  direct: directUse,
  notes,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectGemini(settings)),
  live: (settings) => lazyLiveClient(async () => (await import('./live.ts')).connectLiveGemini(settings)),
};
