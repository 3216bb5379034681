// Sends a file as one batch, waits, and counts its results. Any process that has the batch's id can continue from there, even
// on another day: the custom_ids come back with the results.
// Usage: create-batch.ts FILE openai|anthropic
import { batchResults, createBatch, isSuccessful, waitForBatch } from 'batchdrop';

const [input = 'examples/anthropic-chat.jsonl', provider = 'anthropic'] = process.argv.slice(2);

const created = await createBatch({ provider, input });
console.log(`${created.id} was created; ${created.warningCount} parameters were left out of its requests.`);
for (const { line, message } of created.warnings) console.log(`line ${line}: ${message}`);

const ended = await waitForBatch({ provider, batchId: created.id });
console.log(`${ended.status}:`, ended.request_counts, isSuccessful(ended) ? 'all well' : 'look at the errors');

for await (const result of batchResults({ provider, batchId: created.id, endpoint: '/v1/chat/completions' })) {
  if (result.succeeded) console.log(result.customId, '->', result.response.choices[0]?.finish_reason);
  else console.log(result.customId, '->', result.error.code);
}
