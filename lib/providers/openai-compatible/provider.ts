import { z } from 'zod';
import { accountSchema, requiredBaseUrl, type SettingsOf } from '../account.ts';
import type { Provider } from '../contract.ts';
import { keylessCredentials, openAIWays, plainCreation } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { openAIEndpoints } from '../openai-family/request.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { openAIMaxOutput } from '../shared/max-output.ts';

const service = 'the OpenAI-compatible server';

const settings = accountSchema.extend({
  kind: z.literal('openai-compatible'),
  /** With its /v1, if it has one. */
  baseUrl: requiredBaseUrl,
  /** Absent for a server without keys. */
  secret: z.string().min(1).optional(),
  /** What its batches allow; `24h` is all that OpenAI itself knows. */
  completionWindow: z.string().min(1).default('24h'),
});

const member = familyMember<SettingsOf<typeof settings>>(service, openAIEndpoints, ({ completionWindow }) => ({
  ...openAIWays,
  service,
  baseUrl: null,
  credentials: keylessCredentials,
  creation: plainCreation(completionWindow),
  showsStart: false,
}));

/** Any server that speaks OpenAI's /v1/files and /v1/batches. */
export const openaiCompatible = {
  ...member,
  kind: 'openai-compatible',
  settings,
  models: [],
  /** A server of one's own has no price list. */
  prices: { list: 'openai-compatible', batchDiscount: 0 },
  /** Nobody knows what a server accepts: OpenAI's requests and the least bytes of the services that speak its API. */
  limits: { ...usualLimits, maxBytes: 100_000_000, maxEmbeddingInputs: 50_000 },
  key: 'optional',
  packages: [],
  /** Not every server keeps metadata. */
  direct: usualUse,
  notes: {
    ...usualNotes,
    title: 'OpenAI-compatible servers',
    source: 'https://platform.openai.com/docs/api-reference/batch',
    lostCreateProof: 'our input file, or our token where it keeps metadata',
  },
  maxOutputTokens: openAIMaxOutput,
  example: { model: 'my-model', settings: { baseUrl: 'http://127.0.0.1:9/v1' } },
} as const satisfies Provider<SettingsOf<typeof settings>>;
