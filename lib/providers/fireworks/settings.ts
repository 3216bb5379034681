import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';

export const fireworksSettings = accountSchema.extend({
  kind: z.literal('fireworks'),
  /** Id of the Fireworks account, which stands in every path of its API. */
  accountId: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'an account id is of a-z, 0-9 and -'),
});

export type FireworksSettings = SettingsOf<typeof fireworksSettings>;
