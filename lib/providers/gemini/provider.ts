import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';
import type { Provider } from '../contract.ts';
import { geminiModels, geminiSays } from '../google-family/gemini-models.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { geminiMaxOutput } from '../shared/max-output.ts';
import { geminiPictures } from '../shared/picture-tokens.ts';
import { geminiEndpoints, translateRequest } from './request.ts';
import { translateResult } from './result.ts';

const settings = accountSchema.extend({ kind: z.literal('gemini') });

export const gemini = {
  kind: 'gemini',
  settings,
  models: ['gemini-*'],
  /** Cached tokens "are priced the same as for non-batch API traffic". Source: https://ai.google.dev/gemini-api/docs/batch-api, read 2026-11. */
  prices: { list: 'google', batchDiscount: 0.5, undiscounted: { '*': ['cached'] } },
  /**
   * No number of requests is published; ours keeps a shard's index and its retries small. A file may have 2 GB, of which we use a
   * tenth, since a shard is spooled to a function's small disk and sent in one piece. Source:
   * https://ai.google.dev/gemini-api/docs/batch-api, read 2026-11.
   */
  limits: usualLimits,
  key: 'required',
  packages: [],
  direct: usualUse,
  notes: {
    ...usualNotes,
    title: 'Google Gemini API',
    source: 'https://ai.google.dev/gemini-api/docs/batch-api',
    lostCreateProof: 'our token as its display name, or our input file',
    warned: [
      'parallel_tool_calls',
      'strict of a function',
      'top_logprobs without logprobs',
      'logit_bias',
      'metadata',
      'store',
      'prediction',
      'user, safety_identifier',
      'detail of an image',
      'a reasoning_effort that the model lacks',
      'penalties (from 2.5 on)',
      'an assistant message at the end',
      'whatever is unknown',
    ],
    refused: [
      'URLs of images whose type they do not show',
      'files by file_id',
      'audio, modalities that the model lacks',
      'functions, function_call',
      'web_search_options',
      'custom tools',
      'several inputs in one embedding',
      'embeddings in base64',
    ],
  },
  modelTable: geminiModels.rows.map((row) => ({ ...row, says: geminiSays(row) })),
  maxOutputTokens: geminiMaxOutput,
  pictureTokens: geminiPictures,
  example: { model: 'gemini-2.5-flash' },
  endpoints: geminiEndpoints,
  passesThrough: () => false,
  translateRequest,
  translateResult,
  connect: async (connection) => (await import('./client.ts')).connectGemini(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveGemini(connection),
} as const satisfies Provider<SettingsOf<typeof settings>>;
