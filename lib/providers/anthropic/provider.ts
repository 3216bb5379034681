import type { Provider } from '../contract.ts';
import { usualLimits, usualNotes } from '../shared/defaults.ts';
import { claudeMaxOutput } from '../shared/max-output.ts';
import { claudePictures } from '../shared/picture-tokens.ts';
import { sharedBetas } from './betas.ts';
import { claudeModels, claudeSays } from './claude-models.ts';
import { anthropicEndpoints, passesThrough, translateRequest } from './request.ts';
import { translateResult } from './result.ts';
import { type AnthropicSettings, anthropicSettings } from './settings.ts';

export const anthropic = {
  kind: 'anthropic',
  settings: anthropicSettings,
  models: ['claude-*'],
  /** All kinds of tokens, those of the cache too. Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
  prices: { list: 'anthropic', batchDiscount: 0.5 },
  /** Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing, read 2026-11. */
  limits: {
    ...usualLimits,
    maxRequests: 100_000,
    /** "256 MB", read as the smaller of its two meanings; above it the answer is a 413. */
    maxBytes: 256_000_000,
    /** `{"requests":[` and `]}`, and a comma after each line. */
    overheadBytes: { batch: 15, line: 1 },
  },
  key: 'required',
  packages: [],
  /** Source: the same page and @anthropic-ai/sdk 1.11 `BatchCreateParams.Request.custom_id`. */
  direct: {
    customIds: /^[a-zA-Z0-9_-]{1,64}$/,
    keepsMetadata: false,
    listsInputFile: false,
    mixesModels: true,
    cancels: true,
  },
  notes: {
    ...usualNotes,
    title: 'Anthropic',
    source: 'https://platform.claude.com/docs/en/build-with-claude/batch-processing',
    lostCreateProof: 'our ids in its results, once it has ended',
    warned: [
      'seed',
      'frequency_penalty',
      'presence_penalty',
      'logit_bias',
      'metadata',
      'store',
      'prediction',
      'temperature and top_p (of models that take none)',
      'whatever is unknown',
    ],
    refused: [
      'n above 1',
      'logprobs',
      'audio',
      'functions, function_call',
      'response_format json_object',
      'a schema that cannot be enforced',
    ],
  },
  modelTable: claudeModels.rows.map((row) => ({ ...row, says: claudeSays(row) })),
  maxOutputTokens: claudeMaxOutput,
  pictureTokens: claudePictures,
  sentOutputLimit: (model) => claudeModels.find(model).row.defaultMaxTokens,
  example: { model: 'claude-opus-4-6' },
  sharedOf: sharedBetas,
  /** Source: @anthropic-ai/sdk 1.11 `BatchCreateParams.Request.params`, read 2026-11. */
  batchTiers: ['standard_only'],
  endpoints: anthropicEndpoints,
  passesThrough,
  translateRequest,
  translateResult,
  connect: async (connection) => (await import('./client.ts')).connectAnthropic(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveAnthropic(connection),
} as const satisfies Provider<AnthropicSettings>;
