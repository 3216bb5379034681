import { describe, expect, it } from 'vitest';
import { providerOf } from '../../lib/providers/registry.ts';
import { parseChat } from '../../lib/providers/shared/chat/parse-request.ts';
import { TranslationNotes } from '../../lib/providers/shared/chat/translation-notes.ts';
import { lineId, lineOf, openAILine } from './support/lines.ts';
import { targets } from './support/translation-targets.ts';

const asked = { role: 'user', content: 'Hello' };
const image = { type: 'image_url', image_url: { detail: 'low' } };

/** What is wrong anywhere, and where. */
const wrong: [object, string][] = [
  [{ messages: 'Hello' }, 'body.messages'],
  [{ messages: [7] }, 'body.messages[0]'],
  [{ messages: [{ ...asked, role: 'poet' }] }, 'body.messages[0].role'],
  [{ messages: [{ role: 'user', content: 7 }] }, 'body.messages[0].content'],
  [{ messages: [{ role: 'user', content: ['x'] }] }, 'body.messages[0].content[0]'],
  [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'body.messages[0].content[0].text'],
  [{ messages: [{ role: 'user', content: [{ type: 'song' }] }] }, 'body.messages[0].content[0].type'],
  [{ messages: [{ role: 'user', content: [image] }] }, 'body.messages[0].content[0].image_url.url'],
  [{ messages: [asked, { role: 'assistant', tool_calls: {} }] }, 'body.messages[1].tool_calls'],
  [
    { messages: [asked, { role: 'assistant', tool_calls: [{ id: 'a' }] }] },
    'body.messages[1].tool_calls[0].function.name',
  ],
  [{ max_tokens: 0 }, 'body.max_tokens'],
  [{ temperature: -1 }, 'body.temperature'],
  [{ top_p: 2 }, 'body.top_p'],
];

const translating = targets.filter(
  ({ provider }) => !provider.passesThrough({ format: 'openai', endpoint: '/v1/chat/completions' }),
);

describe('a chat completion that is wrong anywhere', () => {
  const refusing = translating.filter(({ name }) => !/^(fireworks|openrouter)/.test(name));

  it.each(wrong)('is refused at the same place by all that translate it: %j', (members, param) => {
    expect(refusing.length).toBeGreaterThan(8);
    for (const { name, provider, model } of refusing) {
      const line = lineOf(openAILine('mine', { model, messages: [asked], ...members }));
      const translated = provider.translateRequest(line, { lineId, model });
      const place = translated.ok ? 'taken' : translated.error.param;
      expect({ name, place }).toEqual({ name, place: param });
    }
  });
});

describe('a value of another type than OpenAI says', () => {
  const parameters = new Set(['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'logprobs']);
  const members = new Set(['assistant.prefix', 'tool.name', 'call.extra_content']);
  const file = (values: object) => ({ messages: [{ role: 'user', content: [{ type: 'file', file: values }] }] });
  const tool = (values: object) => ({ tools: [{ type: 'function', function: { name: 'f', ...values } }] });
  const format = (values: object) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'a', schema: {}, ...values } },
  });
  const url = { url: 'https://example.com/a.png', detail: 1 };
  const call = { id: 'c', function: { name: 'f' }, extra_content: { google: { thought_signature: 1 } } };

  it.each([
    [{ parallel_tool_calls: 'no' }, 'parallel_tool_calls'],
    [{ logprobs: 1 }, 'logprobs'],
    [tool({ description: 1 }), 'tools[0].function.description'],
    [tool({ strict: 'yes' }), 'tools[0].function.strict'],
    [format({ name: 1 }), 'response_format.json_schema.name'],
    [format({ description: {} }), 'response_format.json_schema.description'],
    [format({ strict: 1 }), 'response_format.json_schema.strict'],
    [file({ file_data: 1 }), 'messages[0].content[0].file.file_data'],
    [file({ file_id: 1 }), 'messages[0].content[0].file.file_id'],
    [file({ file_data: 'JVBERi0', filename: 1 }), 'messages[0].content[0].file.filename'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: url }] }] },
      'messages[0].content[0].image_url.detail',
    ],
    [{ messages: [{ role: 'assistant', content: 'a', prefix: 1 }] }, 'messages[0].prefix'],
    [{ messages: [{ role: 'assistant', content: 'a', refusal: 1 }] }, 'messages[0].refusal'],
    [{ messages: [{ role: 'tool', tool_call_id: 'c', content: 'a', name: 1 }] }, 'messages[0].name'],
    [
      { messages: [{ role: 'assistant', tool_calls: [call] }] },
      'messages[0].tool_calls[0].extra_content.google.thought_signature',
    ],
  ])('is an error of its place, and never taken for left out: %j', (members_, param) => {
    const line = lineOf(openAILine('mine', { model: 'm', messages: [asked], ...members_ }));
    expect(() => parseChat(line, { parameters, members }, new TranslationNotes('A test'))).toThrow(
      expect.objectContaining({ param: `body.${param}` }),
    );
  });

  it.each([
    [
      { tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: 'no' } },
      'tool_choice.disable_parallel_tool_use',
    ],
    [{ tools: [{ name: 'f', input_schema: {}, strict: 1 }] }, 'tools[0].strict'],
    [
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'document', title: 1, source: { type: 'text', media_type: 'text/plain', data: 'a' } }],
          },
        ],
      },
      'messages[0].content[0].title',
    ],
  ])('is an error in a Message as well: %j', (members_, param) => {
    const params = {
      model: 'm',
      max_tokens: 9,
      messages: [asked],
      tools: [{ name: 'f', input_schema: {} }],
      ...members_,
    };
    const line = lineOf(JSON.stringify({ custom_id: 'mine', params }));
    const translated = providerOf({ kind: 'groq' }).translateRequest(line, { lineId, model: 'm' });
    expect(translated).toMatchObject({ ok: false, error: { code: 'invalid_request', param: `params.${param}` } });
  });
});

it('keeps what the assistant refused beside what it said', () => {
  const said = { role: 'assistant', content: 'Part one.', refusal: 'No more.' };
  const line = lineOf(openAILine('mine', { model: 'm', messages: [asked, said, asked] }));

  const chat = parseChat(line, { parameters: new Set() }, new TranslationNotes('A test'));

  expect(chat.messages[1]).toMatchObject({ content: [{ text: 'Part one.' }, { text: 'No more.' }] });
});

it('keeps the place of its nodes, and the spelling of numbers', () => {
  const text = `{"custom_id":"mine","method":"POST","url":"/v1/chat/completions","body":{"model":"m","temperature":0.70,
    "seed":12345678901234567890,"messages":[{"role":"system","content":"x"},{"role":"user","content":[{"type":"text","text":"y"}]}],
    "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","maximum":1.0}}}]}}`;
  const parameters = new Set(['seed', 'tools']);

  const chat = parseChat(lineOf(text.replaceAll('\n', ' ')), { parameters }, new TranslationNotes('A test'));

  expect(JSON.stringify([chat.temperature?.spelled(), chat.seed?.spelled()])).toBe('[0.70,12345678901234567890]');
  expect(JSON.stringify(chat.tools)).toContain('"maximum":1.0');
  expect(chat.messages.map(({ param }) => param)).toEqual(['body.messages[0]', 'body.messages[1]']);
  expect(chat.messages[1]).toMatchObject({ content: [{ param: 'body.messages[1].content[0]', text: 'y' }] });
  expect(chat.tools[0]?.param).toBe('body.tools[0].function');
});
