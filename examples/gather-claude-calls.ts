// The same with Anthropic's client, streams included. The key that pays is ANTHROPIC_API_KEY.
import Anthropic from '@anthropic-ai/sdk';
import { batching } from 'batchdrop/live';

const anthropic = new Anthropic(batching({ run: 'rivers', provider: 'anthropic' }));

const rivers = ['the Rhine', 'the Nile', 'the Amazon'];
const messages = await Promise.all(
  rivers.map((river) =>
    anthropic.messages
      .stream({
        model: 'claude-haiku-4-5',
        max_tokens: 100,
        messages: [{ role: 'user', content: `Where does ${river} end?` }],
      })
      .finalMessage(),
  ),
);

for (const { content } of messages) console.log(content[0]?.type === 'text' ? content[0].text : content);
