import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/**
 * What one Message Batch accepts. Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing, read
 * 2026-11.
 */
export const limits: ProviderLimits = {
  maxRequests: 100_000,
  /** "256 MB", read as the smaller of its two meanings; above it the answer is a 413. */
  maxBytes: 256_000_000,
  maxEmbeddingInputs: null,
  /** `{"requests":[` and `]}`, and a comma after each line. */
  overheadBytes: { batch: 15, line: 1 },
  createsPerHour: null,
  batchDiscount: 0.5,
};

/** Source: the same page and @anthropic-ai/sdk 1.11 `BatchCreateParams.Request.custom_id`. */
export const directUse: DirectUse = {
  customIds: /^[a-zA-Z0-9_-]{1,64}$/,
  keepsMetadata: false,
  listsInputFile: false,
  mixesModels: true,
};

export const notes: ProviderNotes = {
  title: 'Anthropic',
  source: 'https://platform.claude.com/docs/en/build-with-claude/batch-processing',
  lostCreateProof: 'our ids in its results, once it has ended',
  warned: [
    'seed',
    'frequency_penalty',
    'presence_penalty',
    'logit_bias',
    'metadata',
    'service_tier',
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
  isConfirmed: false,
};
