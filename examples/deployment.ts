// The same through a Batchdrop deployment. It splits large inputs, sends requests again that failed for no fault of their own,
// and keeps the results in your bucket. BATCHDROP_URL and BATCHDROP_API_KEY name the deployment and its key.
import { batchResults, createBatch, waitForBatch } from 'batchdrop';

const { id } = await createBatch({
  input: 'examples/openai-chat.jsonl',
  metadata: { team: 'search' },
  providerOptions: { max_attempts: 2, max_cost_usd: 5 },
});
const batch = await waitForBatch({ batchId: id });
console.log(batch.status, batch.request_counts);

for await (const { customId, succeeded } of batchResults({ batchId: id })) console.log(customId, succeeded);
