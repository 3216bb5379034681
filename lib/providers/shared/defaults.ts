import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** Limits as most providers have them; what differs stands in a provider's own object, with its source. */
export const usualLimits = {
  maxRequests: 50_000,
  /** "100 MB" or "200 MB" in most documents, read as the smaller of its two meanings. */
  maxBytes: 200_000_000,
  maxEmbeddingInputs: null,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  /** Most publish none. */
  createsPerHour: null,
} as const satisfies ProviderLimits;

/** What most providers allow to whoever uses them without records of ours. */
export const usualUse: DirectUse = {
  customIds: null,
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
  cancels: true,
};

/** Notes on a provider whose lines keep their own bytes, not yet run against the real service. */
export const usualNotes = {
  lostCreateProof: 'our token in its metadata, or our input file',
  warned: [],
  refused: [],
  isConfirmed: false,
} as const satisfies Partial<ProviderNotes>;
