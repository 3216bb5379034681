import { z } from 'zod';
import { batchResults, createBatch, waitForBatch } from '../../lib/client/index.ts';

// Sends an iterable of 100 MB, reads all results, and prints the most memory that this process ever took, in MB:
// node send-large-input.ts PROVIDER BASE_URL

const [provider, apiBase] = z.tuple([z.enum(['openai', 'anthropic']), z.url()]).parse(process.argv.slice(2));
const target = { provider, apiBase, apiKey: 'sk-test' };
const count = 10_000;
const text = 'x'.repeat(10_000);
const model = { openai: 'gpt-4o-mini', anthropic: 'claude-opus-4-6' }[provider];

function* requests() {
  for (let index = 0; index < count; index += 1) {
    const messages = [{ role: 'user', content: `${index} ${text}` }];
    yield { custom_id: `row ${index}`, body: { model, max_tokens: 5, messages } };
  }
}

const { id } = await createBatch({ ...target, input: requests() });
await waitForBatch({ ...target, batchId: id, pollIntervalSeconds: 0.2 });
let succeeded = 0;
for await (const result of batchResults({ ...target, batchId: id })) if (result.succeeded) succeeded += 1;
console.log(JSON.stringify({ succeeded, peakMb: Math.round(process.resourceUsage().maxRSS / 1000) }));
