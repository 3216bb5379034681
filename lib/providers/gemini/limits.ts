import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** What one batch of the Gemini API accepts. Source: https://ai.google.dev/gemini-api/docs/batch-api, from memory. */
export const limits: ProviderLimits = {
  /** None is published; this keeps a shard's index and its retries small. Ours, not Google's. */
  maxRequests: 50_000,
  /** A file may have 2 GB. Kept to a tenth, since a shard is spooled to a function's small disk and sent in one piece. */
  maxBytes: 200_000_000,
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  createsPerHour: null,
  batchDiscount: 0.5,
};

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'Google Gemini API',
  source: 'https://ai.google.dev/gemini-api/docs/batch-api',
  lostCreateProof: 'our token as its display name, or our input file',
  warned: [
    'parallel_tool_calls',
    'strict of a function',
    'top_logprobs without logprobs',
    'logit_bias',
    'metadata',
    'service_tier',
    'store',
    'prediction',
    'user, safety_identifier',
    'detail of an image',
    'a reasoning_effort that the model lacks',
    'whatever is unknown',
  ],
  refused: [
    'images by http(s) URL',
    'files by file_id',
    'audio, modalities beyond text',
    'functions, function_call',
    'web_search_options',
    'custom tools',
    'several inputs in one embedding',
    'embeddings in base64',
  ],
  isConfirmed: false,
};
