import type { Catalog, ProviderClient } from '../providers/contract.ts';

/** What the library asks of a provider or of a deployment, beside creating. */
export type LibraryClient = Catalog &
  Pick<ProviderClient, 'retrieve' | 'cancel' | 'results' | 'findLost'> & {
    /** Parts of a batch that still runs whose answers can be had already; absent where there are none before the end. */
    finishedParts?(batchId: string, signal: AbortSignal): Promise<FinishedPart[]>;
  };

/** Answers of a part of a batch, or its failures. A request that may be sent again is not among them before the end. */
export interface FinishedPart {
  /** The same whenever the batch is looked at. */
  id: string;
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}
