import { describe, expect, it } from 'vitest';
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
  const refusing = translating.filter(({ name }) => !name.startsWith('fireworks'));

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
