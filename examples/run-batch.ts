// Runs a few requests as one batch and prints their answers, in their order.
// The key is read from OPENAI_API_KEY.
import { runBatch } from 'batchdrop';

const results = await runBatch(
  'openai/gpt-4o-mini',
  [
    { messages: [{ role: 'user', content: 'Name a river in France.' }] },
    { messages: [{ role: 'user', content: 'Name a river in Peru.' }] },
    { messages: [{ role: 'user', content: 'Tell me all about rivers.' }], max_tokens: 400 },
  ],
  {
    defaults: { max_tokens: 100, temperature: 0.2 },
    onProgress: ({ status, request_counts }) => console.error(status, request_counts?.completed ?? 0),
  },
);

for (const { index, succeeded, response, error } of results) {
  if (succeeded) console.log(index, response.choices[0]?.message.content);
  else console.log(index, `failed: ${error.code}`, error.isRetryable ? '(worth another try)' : '');
}
