import type { Provider } from '../contract.ts';
import { familyMember } from '../openai-family/family.ts';
import { xaiDialect } from './dialect.ts';
import { directUse, limits, notes } from './limits.ts';
import { translateResult } from './result.ts';

export const xai: Provider = {
  ...familyMember({
    kind: 'xai',
    service: xaiDialect.service,
    limits,
    /** Lines for /v1/responses are answered as chat completions, which would not be what was asked for. */
    endpoints: ['/v1/chat/completions'],
    direct: directUse,
    notes,
    dialectOf: () => xaiDialect,
  }),
  translateResult,
};
