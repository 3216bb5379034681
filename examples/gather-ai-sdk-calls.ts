// Calls of the Vercel AI SDK, answered by one batch at half price. It sends to OpenAI with OPENAI_API_KEY.
// Start it again after a stop: it goes on where it was, and nothing is paid for twice.
import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';
import { batching } from 'batchdrop/live';

const { fetch, apiKey } = batching({ run: 'translate-words', provider: 'openai' });
const openai = createOpenAI({ fetch, apiKey });

const words = ['river', 'bridge', 'harbour'];
const answers = await Promise.allSettled(
  words.map((word) =>
    // What fails is repeated behind the fetch, where it is known what was paid for.
    generateText({ model: openai('gpt-4o-mini'), prompt: `${word} in French, one word`, maxRetries: 0 }),
  ),
);

for (const [index, answer] of answers.entries()) {
  if (answer.status === 'fulfilled') console.log(words[index], answer.value.text);
  else console.log(words[index], `failed: ${answer.reason}`);
}
