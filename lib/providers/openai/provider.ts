import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';
import type { Provider } from '../contract.ts';
import { chatModelSays, openAIModels } from '../openai-family/chat-models.ts';
import { openAIDialect } from '../openai-family/dialect.ts';
import { familyMember } from '../openai-family/family.ts';
import { openAIEndpoints } from '../openai-family/request.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { openAIMaxOutput } from '../shared/max-output.ts';
import { openAIPictures } from '../shared/picture-tokens.ts';

const settings = accountSchema.extend({ kind: z.literal('openai') });

/** Source: https://platform.openai.com/docs/guides/batch and openai 7.55 `BatchCreateParams`, read 2026-11. */
export const openai = {
  kind: 'openai',
  settings,
  models: [
    'gpt-*',
    'chatgpt-*',
    'codex-*',
    'o1*',
    'o3*',
    'o4*',
    'text-embedding-*',
    'omni-moderation*',
    'text-moderation*',
    'davinci-*',
    'babbage-*',
    'dall-e-*',
    'sora-*',
    'ft:*',
  ],
  /**
   * Since GPT-5 the batch's prices have a column for cached input, at half; for older and pro models it is empty, so that cached tokens
   * cost what other input does. Cache writes, since GPT-5.6, are at half too.
   * Source: https://developers.openai.com/api/docs/pricing (Batch), read 2026-11.
   */
  prices: {
    list: 'openai',
    batchDiscount: 0.5,
    undiscounted: { '*-pro*': ['cachedAsInput'], 'gpt-5*': [], 'gpt-6*': [], '*': ['cachedAsInput'] },
  },
  limits: { ...usualLimits, maxEmbeddingInputs: 50_000, createsPerHour: 2_000 },
  key: 'required',
  packages: [],
  modelTable: openAIModels.map((row) => ({ ...row, says: chatModelSays(row) })),
  direct: { ...usualUse, keepsMetadata: true },
  notes: { ...usualNotes, title: 'OpenAI', source: 'https://platform.openai.com/docs/guides/batch' },
  maxOutputTokens: openAIMaxOutput,
  pictureTokens: openAIPictures,
  example: { model: 'gpt-5-mini' },
  ...familyMember<SettingsOf<typeof settings>>('OpenAI', openAIEndpoints, () => openAIDialect),
} as const satisfies Provider<SettingsOf<typeof settings>>;
