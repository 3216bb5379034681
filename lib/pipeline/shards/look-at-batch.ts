import type { ProviderBatch, ProviderClient } from '../../providers/contract.ts';
import { TransientError } from '../../records/errors.ts';

/**
 * Looks at a batch of ours at its provider.
 *
 * @throws TransientError where the answer is about another batch, as a cache that mixes answers up gives it: what became of
 * that one says nothing of ours. Whatever a provider calls it in front, the last part of a batch's name is its own.
 */
export async function lookAtBatch(
  client: Pick<ProviderClient, 'retrieve'>,
  providerBatchId: string,
  signal: AbortSignal,
): Promise<ProviderBatch> {
  const found = await client.retrieve(providerBatchId, signal);
  if (lastPartOf(found.providerBatchId) === lastPartOf(providerBatchId)) return found;
  throw new TransientError(
    `The provider was asked for the batch ${providerBatchId} and answered with ${found.providerBatchId}; it is asked again.`,
  );
}

function lastPartOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
