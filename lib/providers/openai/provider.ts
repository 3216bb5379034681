import type { Provider } from '../contract.ts';
import { openAIDialect } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { openAIEndpoints } from '../openai-family/request.ts';
import { directUse, limits, notes } from './limits.ts';

export const openai: Provider = familyMember({
  kind: 'openai',
  service: 'OpenAI',
  limits,
  endpoints: openAIEndpoints,
  direct: directUse,
  notes,
  dialectOf: () => openAIDialect,
});
