// Goes through all batches of an account, page by page, and cancels those that run.
import { cancelBatch, isComplete, listBatches } from 'batchdrop';

const provider = 'openai';
let after: string | undefined;
do {
  const page = await listBatches({ provider, limit: 100, ...(after !== undefined && { after }) });
  for (const batch of page.data) {
    if (isComplete(batch)) console.log(batch.id, batch.status, batch.request_counts);
    else console.log(batch.id, (await cancelBatch({ provider, batchId: batch.id })).status);
  }
  after = page.has_more ? (page.last_id ?? undefined) : undefined;
} while (after !== undefined);
