import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** What one xAI batch accepts. Source: https://docs.x.ai/developers/advanced-api-usage/batch-api, read 2026-11; unconfirmed. */
export const limits: ProviderLimits = {
  /** "Unlimited in theory", throttled above 100,000: half of that. */
  maxRequests: 50_000,
  /** None is published: that of its nearest neighbours. */
  maxBytes: 100_000_000,
  /** Embeddings are no endpoint of its batches. */
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  /** One a second. */
  createsPerHour: 3_600,
  /** 50% in its guide of early 2026, "reduced" later. */
  batchDiscount: 0.5,
};

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'xAI',
  source: 'https://docs.x.ai/developers/advanced-api-usage/batch-api',
  lostCreateProof: 'our token in its name, or our input file',
  warned: [],
  refused: [],
  isConfirmed: false,
};
