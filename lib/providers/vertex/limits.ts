import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/**
 * What one batch prediction job accepts. Source:
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini, from memory.
 */
export const limits: ProviderLimits = {
  /** A job may have 200,000; a quarter keeps a shard's index and its retries small. */
  maxRequests: 50_000,
  /** A file may have 1 GB. Kept to a fifth, since a shard is spooled to a function's small disk and sent in one piece. */
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
  title: 'Google Vertex AI',
  source: 'https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini',
  lostCreateProof: 'our token in its labels, or our input file',
  warned: ["of Gemini's models, as for the Gemini API", "of Claude's, as for Anthropic"],
  refused: [
    'embeddings',
    'models other than Gemini and Claude',
    'URLs of images whose type they do not show',
    'files by file_id',
    'audio, modalities beyond text',
    'functions, function_call',
    'web_search_options',
    'custom tools',
  ],
  isConfirmed: false,
};
