import { claudeModels } from '../anthropic/claude-models.ts';
import type { Provider } from '../contract.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { claudeMaxOutput, geminiMaxOutput } from '../shared/max-output.ts';
import { claudePictures, geminiPictures } from '../shared/picture-tokens.ts';
import { publisherOf } from './publisher.ts';
import { translateRequest, vertexEndpoints } from './request.ts';
import { translateResult } from './result.ts';
import { type VertexSettings, vertexSettings } from './settings.ts';

/** Its models are those of the Gemini API and of Anthropic: an account names its own. */
export const vertex = {
  kind: 'vertex',
  settings: vertexSettings,
  models: [],
  /**
   * The discounts of cache and batch do not stack; the cache's takes precedence. Of Claude there it is unconfirmed, and read alike.
   * Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/capabilities/batch-inference, read 2026-11.
   */
  prices: { list: 'google', batchDiscount: 0.5, undiscounted: { '*': ['cached', 'written'] } },
  /**
   * A job may have 200,000 requests; a quarter keeps a shard's index and its retries small. A file may have 1 GB, of which we use a
   * fifth, since a shard is spooled to a function's small disk and sent in one piece. Source:
   * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini, from memory.
   */
  limits: usualLimits,
  key: 'optional',
  packages: ['google-auth-library'],
  direct: usualUse,
  notes: {
    ...usualNotes,
    title: 'Google Vertex AI',
    source: 'https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini',
    lostCreateProof: 'our token in its labels, or our input file',
    warned: ["of Gemini's models, as for the Gemini API", "of Claude's, as for Anthropic"],
    refused: [
      'embeddings',
      'models other than Gemini and Claude',
      'URLs of images whose type they do not show, images by URL for Claude',
      'files by file_id',
      'audio, modalities beyond text',
      'functions, function_call',
      'web_search_options',
      'custom tools',
    ],
  },
  maxOutputTokens: { ...claudeMaxOutput, ...geminiMaxOutput },
  pictureTokens: (model, picture) =>
    (publisherOf(model) === 'anthropic' ? claudePictures : geminiPictures)(model, picture),
  sentOutputLimit: (model) =>
    publisherOf(model) === 'anthropic' ? claudeModels.find(model).row.defaultMaxTokens : null,
  example: {
    model: 'claude-opus-4-6',
    settings: { project: 'demo-project', location: 'us-central1', bucket: 'demo-bucket' },
  },
  endpoints: vertexEndpoints,
  passesThrough: () => false,
  translateRequest,
  translateResult,
  connect: async (connection) => (await import('./client.ts')).connectVertex(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveVertex(connection),
} as const satisfies Provider<VertexSettings>;
