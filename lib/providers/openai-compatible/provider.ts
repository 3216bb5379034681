import type { Provider } from '../contract.ts';
import { type Dialect, openAIWays, plainCreation } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { openAIEndpoints } from '../openai-family/request.ts';
import { directUse, limits, notes } from './limits.ts';

const service = 'the OpenAI-compatible server';

export const openaiCompatible: Provider = familyMember({
  kind: 'openai-compatible',
  service,
  limits,
  endpoints: openAIEndpoints,
  direct: directUse,
  notes,
  dialectOf: (config) => ({
    ...openAIWays,
    service,
    baseUrl: null,
    credentials,
    creation: plainCreation(config.kind === 'openai-compatible' ? config.completionWindow : '24h'),
  }),
});

/** The SDK wants a key even where none goes out. */
const credentials: Dialect['credentials'] = (secret) =>
  secret === '' ? { apiKey: 'none', defaultHeaders: { authorization: null } } : { apiKey: secret };
