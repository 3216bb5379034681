import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** What one batch of a Global-Batch deployment accepts. Source: https://learn.microsoft.com/azure/ai-services/openai/how-to/batch, read 2026-11; unconfirmed. */
export const limits: ProviderLimits = {
  maxRequests: 100_000,
  /** "200 MB", read as the smaller of its two meanings; 1 GB with a blob store of one's own, which we do not use. */
  maxBytes: 200_000_000,
  /** Embeddings in batches are unconfirmed and not offered. */
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  /** None is published; a quota of enqueued tokens decides. */
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
  title: 'Azure OpenAI',
  source: 'https://learn.microsoft.com/azure/ai-services/openai/how-to/batch',
  lostCreateProof: 'our token in its metadata, or our input file',
  warned: [],
  refused: [],
  isConfirmed: false,
};
