import { lazyClient } from '../lazy-client.ts';
import type { Provider } from '../provider.ts';
import { directUse, limits, notes } from './limits.ts';
import { openAIEndpoints, passesThrough, translateRequest } from './request.ts';
import { translateResult } from './result.ts';

export const openai: Provider = {
  kind: 'openai',
  limits,
  endpoints: openAIEndpoints,
  passesThrough,
  translateRequest,
  translateResult,
  direct: directUse,
  notes,
  connect: (settings) => lazyClient(async () => (await import('./client.ts')).connectOpenAI(settings)),
};
