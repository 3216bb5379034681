import type { Provider } from '../contract.ts';
import { familyMember } from '../openai-family/family.ts';
import { togetherDialect } from './dialect.ts';
import { directUse, limits, notes } from './limits.ts';

export const together: Provider = familyMember({
  kind: 'together',
  service: togetherDialect.service,
  limits,
  /** Its other endpoints, for audio, are none of ours. */
  endpoints: ['/v1/chat/completions'],
  direct: directUse,
  notes,
  dialectOf: () => togetherDialect,
});
