import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';

export const mistralSettings = accountSchema.extend({
  kind: z.literal('mistral'),
  /** Hours that a job may take. Source: @mistralai/mistralai 2.7 `CreateBatchJobRequest`; 168 is the documented most. */
  timeoutHours: z.number().int().min(1).max(168).default(24),
});

export type MistralSettings = SettingsOf<typeof mistralSettings>;
