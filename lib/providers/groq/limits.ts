import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** What one Groq batch accepts. Source: https://console.groq.com/docs/batch, read 2026-11; unconfirmed. */
export const limits: ProviderLimits = {
  maxRequests: 50_000,
  /** "100 MB", read as the smaller of its two meanings. */
  maxBytes: 100_000_000,
  /** Embeddings are no endpoint of its batches. */
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  /** None is published. */
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
  title: 'Groq',
  source: 'https://console.groq.com/docs/batch',
  lostCreateProof: 'our token in its metadata, or our input file',
  warned: [],
  refused: [],
  isConfirmed: false,
};
