import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** Ours alone: an endpoint has no batches. A shard is read again by each of its slices, so it is small. */
export const limits: ProviderLimits = {
  maxRequests: 10_000,
  minRequests: Number.POSITIVE_INFINITY,
  maxBytes: 50_000_000,
  maxEmbeddingInputs: null,
  overheadBytes: { batch: 0, line: 1 },
  createsPerHour: null,
  batchDiscount: 0,
};

export const directUse: DirectUse = {
  customIds: null,
  keepsMetadata: false,
  listsInputFile: false,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'Live endpoints',
  source: '#live-endpoints',
  lostCreateProof: 'nothing is created: calls under way at a crash are sent again',
  warned: [],
  refused: [],
  isConfirmed: false,
};
