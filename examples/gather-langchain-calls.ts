// Calls of LangChain.js, answered by one batch at half price. It sends to OpenAI with OPENAI_API_KEY.
// Start it again after a stop: it goes on where it was, and nothing is paid for twice.
import { ChatOpenAI } from '@langchain/openai';
import { batching } from 'batchdrop/live';

const { fetch, apiKey, timeout, maxRetries } = batching({ run: 'sort-tickets', provider: 'openai' });
const model = new ChatOpenAI({
  model: 'gpt-4o-mini',
  apiKey,
  timeout,
  maxRetries,
  maxConcurrency: 1_000, // calls in flight make a batch, so a few of them would make many small ones
  configuration: { fetch },
});

const tickets = ['My invoice is wrong.', 'The app does not start.', 'How do I cancel?'];
const answers = await model.batch(
  tickets.map((ticket) => `Billing, bug or question? ${ticket}`),
  {},
  { returnExceptions: true },
);

for (const [index, answer] of answers.entries()) {
  if (answer instanceof Error) console.log(tickets[index], `failed: ${answer.message}`);
  else console.log(tickets[index], answer.text);
}
