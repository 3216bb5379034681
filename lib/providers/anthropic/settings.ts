import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';
import { betasSchema } from './betas.ts';

export const anthropicSettings = accountSchema.extend({
  kind: z.literal('anthropic'),
  /** Which features in beta its requests use. */
  betas: betasSchema.prefault({}),
});

export type AnthropicSettings = SettingsOf<typeof anthropicSettings>;
