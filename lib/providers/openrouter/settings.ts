import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';

/**
 * What OpenRouter's batches take of its provider routing. Source: `BatchProviderPreferences` of @openrouter/sdk and
 * https://openrouter.ai/docs/guides/features/batch-api, read 2026-11.
 */
export const preferencesSchema = z.strictObject({
  /** The only providers that a batch may run at, such as `google-vertex`; it runs at one of them. */
  only: z.array(z.string().min(1)).min(1).optional(),
  /** Whether it may run at another one where that fails. */
  allow_fallbacks: z.boolean().optional(),
});

export const openRouterSettings = accountSchema.extend({
  kind: z.literal('openrouter'),
  /** Where its batches may run, for lines that do not say it themselves. */
  provider: preferencesSchema.optional(),
});

export type OpenRouterSettings = SettingsOf<typeof openRouterSettings>;
