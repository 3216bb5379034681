import type { Provider } from '../contract.ts';
import { usualLimits, usualNotes, usualUse } from '../shared/defaults.ts';
import { bedrockMaxOutput } from '../shared/max-output.ts';
import { claudePictures } from '../shared/picture-tokens.ts';
import { bedrockModels } from './bedrock-models.ts';
import { bedrockEndpoints, familyOf, lacks } from './model-family.ts';
import { translateRequest } from './request.ts';
import { translateResult } from './result.ts';
import { type BedrockSettings, bedrockSettings } from './settings.ts';

export const bedrock = {
  kind: 'bedrock',
  settings: bedrockSettings,
  models: [
    'anthropic.claude-*',
    '*.anthropic.claude-*',
    'amazon.nova-*',
    '*.amazon.nova-*',
    'amazon.titan-embed-*',
    'meta.llama*',
    '*.meta.llama*',
    'mistral.*',
    '*.mistral.*',
    'ai21.*',
    'cohere.*',
    'deepseek.*',
    '*.deepseek.*',
    'google.gemma-*',
    'openai.gpt-oss-*',
    'qwen.*',
    '*.qwen.*',
    'moonshot.*',
    'moonshotai.*',
    'zai.*',
    'minimax.*',
    'nvidia.*',
    'arn:aws*:bedrock:*',
  ],
  /**
   * Batch inference is said to have no prompt caching. Should it count such tokens all the same, no discount is assumed; the first bill
   * with them decides. Source: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html, as others quote it, 2026-11.
   */
  prices: { list: 'aws', batchDiscount: 0.5, undiscounted: { '*': ['cached', 'written'] } },
  /**
   * A file may have 1 GB; its answers repeat the requests, and a step that collects them must hold them. Source:
   * https://docs.aws.amazon.com/general/latest/gr/bedrock.html (quotas, which differ by model and region), read 2026-11;
   * unconfirmed. Service Quotas of the account decides.
   */
  limits: { ...usualLimits, minRequests: 100, maxBytes: 256_000_000 },
  key: 'none',
  packages: ['@aws-sdk/client-bedrock', '@aws-sdk/client-bedrock-runtime'],
  aws: {
    service: 'bedrock.amazonaws.com',
    actions: {
      create: 'bedrock:CreateModelInvocationJob',
      get: 'bedrock:GetModelInvocationJob',
      list: 'bedrock:ListModelInvocationJobs',
      stop: 'bedrock:StopModelInvocationJob',
      call: 'bedrock:InvokeModel',
    },
  },
  /** Never used by the library, which has no bucket. Source: @aws-sdk/client-bedrock 3.1164. */
  direct: { ...usualUse, customIds: /^[a-zA-Z0-9]{1,64}$/ },
  notes: {
    ...usualNotes,
    title: 'AWS Bedrock',
    source: 'https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html',
    lostCreateProof: 'our token, by which it also creates no second one',
    warned: [
      'of Claude, as for Anthropic',
      'user, safety_identifier',
      'of others temperature above 1, seed, frequency_penalty, presence_penalty, logit_bias, metadata, store, reasoning_effort, parallel_tool_calls',
      'stop (of Llama, of Mistral with messages)',
      'whatever is unknown',
    ],
    refused: [
      'of Claude, as for Anthropic',
      'of others n above 1, logprobs, audio, functions, function_call',
      'image URLs that are no data URLs',
      'tools (but of Nova and Mistral with messages)',
      'response_format (but json_schema by Converse)',
      'several inputs in one embedding, embeddings in base64',
      'models that answer neither with text nor with Titan V2 embeddings',
      'models of your own (imported, customized, provisioned)',
    ],
  },
  maxOutputTokens: bedrockMaxOutput,
  /** Of others than Claude it is not published in pixels; they are read alike. */
  pictureTokens: claudePictures,
  sentOutputLimit: (model) => familyOf(model)?.sentOutputLimit?.(model) ?? null,
  example: { model: 'us.anthropic.claude-opus-4-6-v1:0', settings: { region: 'us-east-1' } },
  modelTable: bedrockModels,
  endpoints: bedrockEndpoints,
  lacks,
  // A Messages body keeps its values' bytes, and loses its model.
  passesThrough: () => false,
  translateRequest,
  translateResult,
  connect: async (connection) => (await import('./client.ts')).connectBedrock(connection),
  live: async (connection) => (await import('./live.ts')).connectLiveBedrock(connection),
} as const satisfies Provider<BedrockSettings>;
