import type { BatchPage, PageRequest } from '../../contract.ts';
import type { BatchFields } from '../batch-fields.ts';

/** A page of a list that cannot be asked for what stands behind a batch: it is walked until there. */
export async function walkedPage<Batch>(
  newestFirst: AsyncIterable<Batch>,
  fieldsFrom: (batch: Batch) => BatchFields,
  { after, limit }: PageRequest,
): Promise<BatchPage> {
  const batches: BatchFields[] = [];
  let isBehind = after === undefined;
  for await (const batch of newestFirst) {
    if (batches.length === limit) return { batches, hasMore: true };
    const fields = fieldsFrom(batch);
    if (isBehind) batches.push(fields);
    isBehind ||= fields.id === after;
  }
  return { batches, hasMore: false };
}
