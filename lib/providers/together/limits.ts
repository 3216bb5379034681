import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** What one Together batch accepts. Source: https://docs.together.ai/docs/inference/batch/overview, read 2026-11; unconfirmed. */
export const limits: ProviderLimits = {
  maxRequests: 50_000,
  /** "100 MB", read as the smaller of its two meanings. */
  maxBytes: 100_000_000,
  /** Embeddings are no endpoint of its batches. */
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  /** None is published; 30 billion enqueued tokens a model decide. */
  createsPerHour: null,
  /** "Up to 50%". */
  batchDiscount: 0.5,
};

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'Together AI',
  source: 'https://docs.together.ai/docs/inference/batch/overview',
  lostCreateProof: 'our input file',
  warned: [],
  refused: [],
  isConfirmed: false,
};
