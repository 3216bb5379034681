import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openai } from '../../lib/providers/openai/provider.ts';
import { endpoints } from '../../lib/records/endpoints.ts';
import { lineId, lineOf, openAILine, sent } from './support/lines.ts';

describe('a line for OpenAI', () => {
  it('keeps every byte but the values of custom_id and body.model', () => {
    const text =
      '{ "body" : {"seed": 12345678901234567890, "model" :"team/gpt-4o", "temperature":1.0,"messages":[ ]} ,"url":"/v1/chat/completions","method":"POST", "custom_id":"a\\u00e9" }';

    const translated = openai.translateRequest(lineOf(text), { lineId, model: 'gpt-4o' });

    expect(translated.ok && translated.bytes.toString()).toBe(
      text.replace('"a\\u00e9"', `"${lineId}"`).replace('"team/gpt-4o"', '"gpt-4o"'),
    );
  });

  it.each([
    ['Azure', '{"custom_id":"a","method":"POST","url":"/chat/completions","body":{"model":"m","seed":1.0}}'],
    [
      'a whole URL',
      '{"custom_id":"a","url":"https://x.example/openai/v1/chat/completions","method":"POST","body":{"model":"m","seed":1.0}}',
    ],
    ['Together', '{"body":{"model":"m","seed":1.0},"custom_id":"a"}'],
  ])('addresses a line in the form of %s, whose body keeps its bytes', (_form, text) => {
    const line = lineOf(text, '/v1/chat/completions', true);
    const translated = openai.translateRequest(line, { lineId, model: 'n' });
    expect(translated.ok && translated.bytes.toString()).toBe(
      `{"custom_id":"${lineId}","method":"POST","url":"/v1/chat/completions","body":{"model":"n","seed":1.0}}`,
    );
  });

  it('leaves a model that stays the same as it was written', () => {
    const text = openAILine('a', { model: 'gpt-4o', input: 'x' }, '/v1/responses').replace('gpt-4o', 'gpt\\u002d4o');

    const translated = openai.translateRequest(lineOf(text), { lineId, model: 'gpt-4o' });

    expect(translated.ok && translated.bytes.toString()).toContain('gpt\\u002d4o');
  });

  it('takes each of OpenAI’s endpoints, and says what to do about any other', () => {
    for (const endpoint of endpoints) {
      const line = lineOf(openAILine('a', { model: 'm' }, endpoint));

      const translated = openai.translateRequest(line, { lineId, model: 'm' });

      expect(translated.ok).toBe(openai.endpoints.includes(endpoint));
      if (!translated.ok) {
        expect(translated.error.code).toBe('unsupported_endpoint');
        expect(translated.error.message).toContain('/v1/messages');
        expect(translated.error.message).toContain('/v1/chat/completions');
      }
    }
  });

  it('refuses a line in Anthropic’s form', () => {
    const line = lineOf('{"custom_id":"a","params":{"model":"claude-opus-4-6","max_tokens":1,"messages":[]}}');

    expect(openai.translateRequest(line, { lineId, model: 'm' })).toMatchObject({
      ok: false,
      error: { code: 'unsupported_endpoint' },
    });
  });

  it('changes nothing of any body', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 60 }),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (id, body) => {
          const line = lineOf(openAILine(id, { ...body, model: 'from', stream: false }));

          const translated = sent(openai.translateRequest(line, { lineId, model: 'to' }));

          expect(translated).toEqual({
            ...JSON.parse(line.bytes.toString()),
            custom_id: lineId,
            body: { ...line.body, model: 'to' },
          });
        },
      ),
    );
  });
});
