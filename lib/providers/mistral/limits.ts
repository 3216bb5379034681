import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/**
 * What one batch job accepts. Source: https://docs.mistral.ai/capabilities/batch/ and @mistralai/mistralai 2.7
 * `files.upload`, read 2026-11. Unconfirmed against the service.
 */
export const limits: ProviderLimits = {
  /** A workspace may have a million requests pending; a tenth, so that several jobs fit. */
  maxRequests: 100_000,
  /** A file may have 512 MB; less, so that an upload fits the time that it has. */
  maxBytes: 200_000_000,
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  createsPerHour: null,
  batchDiscount: 0.5,
};

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: true,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'Mistral',
  source: 'https://docs.mistral.ai/capabilities/batch/',
  lostCreateProof: 'our token in its metadata, or our input file',
  warned: [
    'logit_bias',
    'user',
    'safety_identifier',
    'store',
    'verbosity',
    'service_tier',
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
  isConfirmed: false,
};
