import { z } from 'zod';
import { accountSchema, liveFields, requiredBaseUrl, type SettingsOf } from '../account.ts';

export const liveSettings = accountSchema.omit({ live: true }).extend({
  kind: z.literal('live'),
  /** What it speaks. */
  api: z.enum(['openai', 'anthropic']),
  /** With its /v1 for `openai`, without for `anthropic`. */
  baseUrl: requiredBaseUrl,
  /** Absent for a server without keys. */
  secret: z.string().min(1).optional(),
  ...liveFields,
  /** Functions that send at a time; they share the calls and the budgets. */
  concurrency: z.number().int().positive().default(1),
});

export type LiveAccountSettings = SettingsOf<typeof liveSettings>;
