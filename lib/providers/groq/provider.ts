import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';
import type { Provider } from '../contract.ts';
import { openAIWays, plainCreation } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';

const settings = accountSchema.extend({
  kind: z.literal('groq'),
  /** How long a batch may take, from `24h` to `7d`; the longer, the more likely it is to be done. */
  completionWindow: z
    .string()
    .regex(/^([1-9]\d*h|[1-7]d)$/, 'a completion window looks like 24h or 7d')
    .default('24h'),
});

/** Source: groq-typescript's `BatchCreateParams`, read 2026-11: one endpoint, windows from 24h to 7d, metadata. */
const member = familyMember<SettingsOf<typeof settings>>('Groq', ['/v1/chat/completions'], ({ completionWindow }) => ({
  ...openAIWays,
  service: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  creation: plainCreation(completionWindow),
}));

/** Its models are others' open ones, which many serve: an account names its own. */
export const groq = {
  ...member,
  kind: 'groq',
  settings,
  models: [],
  /**
   * "The batch discount does not stack with prompt caching discounts. All batch tokens are billed at the 50% batch rate regardless of
   * cache status." Source: https://console.groq.com/docs/batch, read 2026-11.
   */
  prices: { list: 'groq', batchDiscount: 0.5, undiscounted: { '*': ['cachedAsInput'] } },
  /** Source: https://console.groq.com/docs/batch, read 2026-11. */
  limits: { ...usualLimits, maxBytes: 100_000_000 },
  key: 'required',
  packages: [],
  direct: { ...usualUse, keepsMetadata: true },
  notes: { ...usualNotes, title: 'Groq', source: 'https://console.groq.com/docs/batch' },
  example: { model: 'llama-3.3-70b-versatile' },
} as const satisfies Provider<SettingsOf<typeof settings>>;
