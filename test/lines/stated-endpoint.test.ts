import { expect, it } from 'vitest';
import { statedEndpoint } from '../../lib/lines/stated-endpoint.ts';

const native = '{"custom_id":"n","params":{"model":"claude-x","max_tokens":1,"messages":[]}}';
const chat = '{"custom_id":"c","method":"POST","url":"/chat/completions","body":{"model":"m","messages":[]}}';
const embedding = '{"custom_id":"e","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"a"}}';

async function stated(...lines: string[]) {
  async function* chunks() {
    yield Buffer.from(lines.join('\n'));
  }
  const { endpoint, errors } = await statedEndpoint(chunks());
  return [endpoint, errors.map(({ line }) => line)];
}

it('a file is for what its first right line in the form of OpenAI says, wherever native lines stand', async () => {
  expect(await stated(native, native, chat, embedding)).toEqual(['/v1/chat/completions', []]);
  expect(await stated(embedding, native)).toEqual(['/v1/embeddings', []]);
  expect(await stated(native, native)).toEqual(['/v1/messages', []]);
  expect(await stated('wrong', 'wrong too', native, chat)).toEqual(['/v1/chat/completions', [1]]);
  expect(await stated('wrong')).toEqual([null, [1]]);
  expect(await stated('')).toEqual([null, []]);
});
