import { describe, expect, it } from 'vitest';
import { answeredIn, askedIn, excerptOf } from '../../console/format/conversation.ts';
import { curlOf } from '../../console/format/copied-forms.ts';
import { oneLine, shown } from '../../console/format/shown.ts';

describe('what was asked and answered', () => {
  it('is turns of texts, calls of tools and pictures', () => {
    const image = 'data:image/png;base64,iVBORw0KGgo=';
    const turns = askedIn({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See:' },
            { type: 'image_url', image_url: { url: image } },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [{ id: 'c', function: { name: 'f', arguments: '{"a":1}' } }] },
      ],
    });
    expect(turns.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'parameters']);
    expect(turns[1]?.pieces).toEqual([
      { kind: 'text', text: 'See:' },
      { kind: 'image', source: image },
    ]);
    expect(turns[2]?.pieces).toEqual([
      { kind: 'json', title: 'tool call', value: { name: 'f', arguments: '{"a":1}' } },
    ]);
    expect(excerptOf(turns)).toContain('Be short. See: [image]');
  });

  it('loads no picture from elsewhere, nor anything that is none', () => {
    for (const url of [
      'https://example.org/a.png',
      'data:text/html;base64,PGI+',
      'data:image/svg+xml;base64,PHN2Zz4=',
      'javascript:1',
    ]) {
      const [turn] = askedIn({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
      expect(turn?.pieces).toEqual([expect.objectContaining({ kind: 'json' })]);
    }
  });

  it.each([
    [
      'a response',
      { output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Blue.' }] }] },
    ],
    [
      'a message',
      { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Blue.' }], stop_reason: 'end_turn' },
    ],
    ['a completion', { choices: [{ text: 'Blue.', finish_reason: 'stop' }] }],
    ['a refusal', { choices: [{ message: { role: 'assistant', content: null, refusal: 'Blue.' } }] }],
  ])('of %s is its text', (_what, body) => {
    expect(excerptOf(answeredIn(body))).toBe('Blue.');
  });

  it.each([null, 3, 'text', [], {}, { choices: 'none' }, { messages: [null, 4] }, { output: [[]] }])(
    'bears %j',
    (body) => {
      expect(Array.isArray(answeredIn(body))).toBe(true);
      expect(Array.isArray(askedIn(body))).toBe(true);
    },
  );
});

it('a copied call of curl lets nothing out of its quotes', () => {
  const text = `it's $(touch x) \`id\` "quoted"`;
  const copied = curlOf({ url: "/v1/chat/completions'; id '", body: { messages: [{ role: 'user', content: text }] } });
  const outside = copied.replaceAll(/'(?:[^']*)'|\\'/g, '');
  expect(outside).not.toMatch(/touch|`id`|; id/);
});

it('marks that turn or hide a text can be seen', () => {
  expect(shown('a\u202eb\u0000c\u200b')).toBe('a\\u202eb\\u0000c\\u200b');
  expect(shown('Grüße, 日本語, שלום\n\t👩‍👩‍👧')).toContain('שלום');
  expect(oneLine('a\n b', 10)).toBe('a b');
  expect(oneLine('x'.repeat(300), 10)).toHaveLength(10);
});
