// Ordinary live calls of the official client, answered by one batch at half price.
// It sends to OpenAI with OPENAI_API_KEY; without `provider`, to the deployment of BATCHDROP_URL.
// Stop it at any moment and start it again: it goes on where it was, and nothing is paid for twice.
import { batching } from 'batchdrop/live';
import OpenAI from 'openai';

const openai = new OpenAI(batching({ run: 'label-reviews', provider: 'openai' }));

const reviews = ['Great coffee, and quick.', 'Never again.', 'It was fine.'];
const answers = await Promise.allSettled(
  reviews.map((review) =>
    openai.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: `Is this review good or bad? ${review}` }],
      max_tokens: 5,
    }),
  ),
);

for (const [index, answer] of answers.entries()) {
  if (answer.status === 'fulfilled') console.log(index, answer.value.choices[0]?.message.content);
  else console.log(index, `failed: ${answer.reason}`);
}
