import type { Provider } from '../provider.ts';
import { openAIDialect } from './dialect.ts';
import { familyMember } from './family.ts';
import { directUse, limits, notes } from './limits.ts';
import { openAIEndpoints } from './request.ts';

export const openai: Provider = familyMember({
  kind: 'openai',
  service: 'OpenAI',
  limits,
  endpoints: openAIEndpoints,
  direct: directUse,
  notes,
  dialectOf: () => openAIDialect,
});
