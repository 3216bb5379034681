// Labels the rows of a table, here of a list, and prints each with its label, in their order.
// The key is read from OPENAI_API_KEY.
import { runTable } from 'batchdrop';
import { z } from 'zod';

const reviews = [
  { id: 1, text: 'Arrived on time, works as described.' },
  { id: 2, text: 'The box said "new", the scratches did not.' },
  { id: 3, text: 'Two days of use, then the battery was gone.' },
];

const results = await runTable({
  rows: reviews,
  template: {
    custom_id: 'review-{{ id }}',
    body: {
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Label this review: {{ text | truncate: 4000 }}' }],
      max_tokens: 100,
    },
  },
  schema: z.object({ sentiment: z.enum(['good', 'bad']), score: z.number() }),
});

for (const { row, succeeded, answer, error } of results) {
  if (succeeded) console.log(row.id, answer.sentiment, answer.score);
  else console.log(row.id, `failed: ${error.code}`);
}
