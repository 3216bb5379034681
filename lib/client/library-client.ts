import type { Catalog, ProviderClient } from '../providers/contract.ts';

/** What the library asks of a provider or of a deployment, beside creating. */
export type LibraryClient = Catalog & Pick<ProviderClient, 'retrieve' | 'cancel' | 'results' | 'findLost'>;
