import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/**
 * What one batch inference job accepts. Source: https://docs.aws.amazon.com/general/latest/gr/bedrock.html (quotas, which
 * differ by model and region), read 2026-11; unconfirmed. Service Quotas of the account decides.
 */
export const limits = {
  maxRequests: 50_000,
  minRequests: 100,
  /** A file may have 1 GB. Its answers repeat the requests, and a step that collects them must hold them. */
  maxBytes: 256_000_000,
  maxEmbeddingInputs: null,
  /** A newline after each line. */
  overheadBytes: { batch: 0, line: 1 },
  createsPerHour: null,
  batchDiscount: 0.5,
} satisfies ProviderLimits;

/** Never used by the library, which has no bucket. Source: @aws-sdk/client-bedrock 3.1164. */
export const directUse: DirectUse = {
  customIds: /^[a-zA-Z0-9]{1,64}$/,
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'AWS Bedrock',
  source: 'https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference.html',
  lostCreateProof: 'our token, by which it also creates no second one',
  warned: [
    'of Claude, as for Anthropic',
    'user, safety_identifier',
    'of others temperature above 1, seed, frequency_penalty, presence_penalty, logit_bias, metadata, service_tier, store, reasoning_effort, parallel_tool_calls',
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
  isConfirmed: false,
};
