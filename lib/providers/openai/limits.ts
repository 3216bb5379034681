import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/**
 * What one OpenAI batch accepts. Source: https://platform.openai.com/docs/guides/batch and openai 7.55
 * `BatchCreateParams`, read 2026-11.
 */
export const limits: ProviderLimits = {
  maxRequests: 50_000,
  /** "200 MB", read as the smaller of its two meanings. */
  maxBytes: 200_000_000,
  maxEmbeddingInputs: 50_000,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  createsPerHour: 2_000,
  batchDiscount: 0.5,
};

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: true,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'OpenAI',
  source: 'https://platform.openai.com/docs/guides/batch',
  lostCreateProof: 'our token in its metadata, or our input file',
  warned: [],
  refused: [],
  isConfirmed: false,
};
