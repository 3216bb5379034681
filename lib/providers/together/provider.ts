import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';
import type { Provider } from '../contract.ts';
import { familyMember } from '../openai-family/family.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { togetherDialect } from './dialect.ts';

const settings = accountSchema.extend({ kind: z.literal('together') });

/** Its other endpoints, for audio, are none of ours. */
const member = familyMember<SettingsOf<typeof settings>>(
  togetherDialect.service,
  ['/v1/chat/completions'],
  () => togetherDialect,
);

/** Its models are others' open ones, which many serve: an account names its own. */
export const together = {
  ...member,
  kind: 'together',
  settings,
  models: [],
  /**
   * "A 50% discount when running selected serverless models", which change: none is assumed, and `batchDiscount` in the account's own
   * `prices` says it of a model. Source: https://docs.together.ai/docs/inference/pricing, read 2026-11.
   */
  prices: { list: 'together', batchDiscount: 0 },
  /**
   * No number of creates is published; 30 billion enqueued tokens a model decide. Source:
   * https://docs.together.ai/docs/inference/batch/overview, read 2026-11.
   */
  limits: { ...usualLimits, maxBytes: 100_000_000 },
  key: 'required',
  packages: [],
  direct: usualUse,
  notes: {
    ...usualNotes,
    title: 'Together AI',
    source: 'https://docs.together.ai/docs/inference/batch/overview',
    lostCreateProof: 'our input file',
  },
  example: { model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo' },
} as const satisfies Provider<SettingsOf<typeof settings>>;
