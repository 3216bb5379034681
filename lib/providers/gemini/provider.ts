import type { Provider } from '../contract.ts';
import { lazyClient, lazyLiveClient } from '../shared/http/lazy-client.ts';
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
