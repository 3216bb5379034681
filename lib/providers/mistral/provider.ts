import type { Provider } from '../contract.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { mistralMaxOutput } from '../shared/max-output.ts';
import { mistralPictures } from '../shared/picture-tokens.ts';
import { mistralModels } from './mistral-models.ts';
import { mistralEndpoints, translateRequest } from './request.ts';
import { translateResult } from './result.ts';
import { type MistralSettings, mistralSettings } from './settings.ts';

export const mistral = {
  kind: 'mistral',
  settings: mistralSettings,
  models: [
    'mistral-*',
    'open-mistral-*',
    'open-mixtral-*',
    'ministral-*',
    'magistral-*',
    'codestral-*',
    'devstral-*',
    'pixtral-*',
    'voxtral-*',
  ],
  /** Whether the discount holds for cached tokens too is not published: none is assumed, until a bill with some shows it. */
  prices: { list: 'mistral', batchDiscount: 0.5, undiscounted: { '*': ['cached', 'written'] } },
  /**
   * A workspace may have a million requests pending; a tenth, so that several jobs fit. A file may have 512 MB; less, so that an
   * upload fits the time that it has. Source: https://docs.mistral.ai/capabilities/batch/ and @mistralai/mistralai 2.7
   * `files.upload`, read 2026-11.
   */
  limits: { ...usualLimits, maxRequests: 100_000 },
  key: 'required',
  packages: ['@mistralai/mistralai'],
  direct: { ...usualUse, keepsMetadata: true },
  notes: {
    ...usualNotes,
    title: 'Mistral',
    source: 'https://docs.mistral.ai/capabilities/batch/',
    warned: [
      'logit_bias',
      'user',
      'safety_identifier',
      'store',
      'verbosity',
      'temperature above 1.5',
      'reasoning_effort max',
      'a negative seed, random_seed beside a seed',
      'output_dimension beside dimensions',
      'whatever is unknown',
    ],
    refused: [
      'logprobs',
      'audio in the answer',
      'functions, function_call',
      'custom tools, allowed_tools',
      'files kept at OpenAI',
      'token arrays as input',
    ],
  },
  maxOutputTokens: mistralMaxOutput,
  pictureTokens: mistralPictures,
  example: { model: 'mistral-small-latest' },
  modelTable: mistralModels,
  endpoints: mistralEndpoints,
  passesThrough: () => false,
  translateRequest,
  translateResult,
  connect: async (connection) => (await import('./client.ts')).connectMistral(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveMistral(connection),
} as const satisfies Provider<MistralSettings>;
