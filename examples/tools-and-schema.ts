// Tools, an answer that follows a JSON schema, and an image, written as for a live call; at Anthropic they are translated.
import { type RequestBodies, runBatch } from 'batchdrop';

type Chat = RequestBodies['/v1/chat/completions'];

const place = {
  type: 'object',
  properties: { city: { type: 'string' }, country: { type: 'string' } },
  required: ['city', 'country'],
  additionalProperties: false,
};

const tool: Chat = {
  messages: [{ role: 'user', content: 'What is the weather in the capital of Norway?' }],
  tools: [{ type: 'function', function: { name: 'weather', description: 'The weather there', parameters: place } }],
  tool_choice: 'required',
};

const schema: Chat = {
  messages: [{ role: 'user', content: 'Where is the Eiffel tower?' }],
  response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema: place } },
};

const url =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image: Chat = {
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is in this picture?' },
        { type: 'image_url', image_url: { url } },
      ],
    },
  ],
};

const results = await runBatch('anthropic/claude-opus-4-6', [tool, schema, image], { defaults: { max_tokens: 300 } });

for (const { response, error, warnings } of results) {
  const message = response?.choices[0]?.message;
  console.log(message?.tool_calls?.[0] ?? message?.content ?? error?.message);
  for (const { param, message: what } of warnings) console.log(`  ${param}: ${what}`);
}
