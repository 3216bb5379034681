import type { Provider } from '../contract.ts';
import { openAIWays, plainCreation } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { directUse, limits, notes } from './limits.ts';

/** Source: groq-typescript's `BatchCreateParams`, read 2026-11: one endpoint, windows from 24h to 7d, metadata. */
export const groq: Provider = familyMember({
  kind: 'groq',
  service: 'Groq',
  limits,
  endpoints: ['/v1/chat/completions'],
  direct: directUse,
  notes,
  dialectOf: (config) => ({
    ...openAIWays,
    service: 'Groq',
    baseUrl: 'https://api.groq.com/openai/v1',
    creation: plainCreation(config.kind === 'groq' ? config.completionWindow : '24h'),
  }),
});
