import type { DirectUse, ProviderLimits, ProviderNotes } from '../contract.ts';

/** Nobody knows what a server accepts: OpenAI's requests and the least bytes of the services that speak its API. */
export const limits: ProviderLimits = {
  maxRequests: 50_000,
  maxBytes: 100_000_000,
  maxEmbeddingInputs: 50_000,
  /** Each line ends with a newline. */
  overheadBytes: { batch: 0, line: 1 },
  createsPerHour: null,
  /** A server of one's own has no price list. */
  batchDiscount: 0,
};

export const directUse: DirectUse = {
  customIds: null,
  /** Not every server does. */
  keepsMetadata: false,
  listsInputFile: true,
  mixesModels: false,
};

export const notes: ProviderNotes = {
  title: 'OpenAI-compatible servers',
  source: 'https://platform.openai.com/docs/api-reference/batch',
  lostCreateProof: 'our input file, or our token where it keeps metadata',
  warned: [],
  refused: [],
  isConfirmed: false,
};
