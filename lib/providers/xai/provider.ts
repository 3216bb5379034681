import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';
import type { Provider } from '../contract.ts';
import { chatModelSays, grokModels } from '../openai-family/chat-models.ts';
import { familyMember } from '../openai-family/family.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { xaiDialect } from './dialect.ts';
import { translateResult } from './result.ts';

const settings = accountSchema.extend({ kind: z.literal('xai') });

/** Lines for /v1/responses are answered as chat completions, which would not be what was asked for. */
const member = familyMember<SettingsOf<typeof settings>>(
  xaiDialect.service,
  ['/v1/chat/completions'],
  () => xaiDialect,
);

export const xai = {
  ...member,
  translateResult,
  kind: 'xai',
  settings,
  models: ['grok-*'],
  /** For all kinds of tokens of these models. Source: https://docs.x.ai/developers/pricing (Batch API pricing), read 2026-11. */
  prices: {
    list: 'x-ai',
    listedAs: { 'grok-4.20-multi-agent*': 'grok-4.20-multi-agent', 'grok-4.20-*': 'grok-4.20' },
    batchDiscount: 0,
    discountOfModels: { 'grok-4.3*': 0.2, 'grok-4.20*': 0.2 },
  },
  /** https://docs.x.ai/developers/advanced-api-usage/batch-api, read 2026-11, names no limits: these are our own. */
  limits: {
    ...usualLimits,
    /** "Unlimited in theory", throttled above 100,000: half of that. */
    maxRequests: 50_000,
    /** None is published: that of its nearest neighbours. */
    maxBytes: 100_000_000,
    /** One a second. */
    createsPerHour: 3_600,
  },
  key: 'required',
  packages: [],
  modelTable: grokModels.map((row) => ({ ...row, says: chatModelSays(row) })),
  direct: usualUse,
  notes: {
    ...usualNotes,
    title: 'xAI',
    source: 'https://docs.x.ai/developers/advanced-api-usage/batch-api',
    lostCreateProof: 'our token in its name, or our input file',
  },
  example: { model: 'grok-4' },
} as const satisfies Provider<SettingsOf<typeof settings>>;
