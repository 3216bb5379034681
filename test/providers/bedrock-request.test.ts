import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestLine } from '../../lib/lines/request-line.ts';
import { translateRequest } from '../../lib/providers/bedrock/request.ts';
import type { TranslatedRequest } from '../../lib/providers/contract.ts';
import { chatLine, lineId, lineOf, openAILine, sent } from './support/lines.ts';

const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';

function translate(line: RequestLine, name = line.model): TranslatedRequest {
  return translateRequest(line, { lineId, model: name });
}

function claudeLine(body: object): RequestLine {
  return chatLine({ model, max_tokens: 100, ...body });
}

describe('a chat line for Claude', () => {
  it('becomes the Messages body without its model, with the version that Bedrock wants', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ];
    const line = claudeLine({ messages, temperature: 0.5, stop: 'END' });

    expect(sent(translate(line))).toEqual({
      recordId: lineId,
      modelInput: {
        anthropic_version: 'bedrock-2023-05-31',
        max_tokens: 100,
        system: 'Be brief.',
        messages: [{ role: 'user', content: 'Hello' }],
        temperature: 0.5,
        stop_sequences: ['END'],
      },
    });
  });

  it('keeps its tools', () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];

    expect(sent(translate(claudeLine({ tools, tool_choice: 'required' })))).toMatchObject({
      modelInput: {
        tools: [{ name: 'look', input_schema: { type: 'object', properties: {} } }],
        tool_choice: { type: 'any' },
      },
    });
  });

  it('loses its user, and says so', () => {
    const translated = translate(claudeLine({ user: 'u-1' }));

    expect(sent(translated).modelInput).not.toHaveProperty('metadata');
    expect(translated).toMatchObject({ warnings: [{ param: 'body.user', code: 'parameter_dropped' }] });
  });

  it('is refused with an image that Bedrock would have to fetch, and taken with one that it holds', () => {
    const ask = (url: string) =>
      claudeLine({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });

    expect(translate(ask('https://example.com/a.png'))).toMatchObject({
      ok: false,
      error: { code: 'unsupported_parameter', message: expect.stringContaining('data URLs') },
    });
    expect(translate(ask('data:image/png;base64,AAAA')).ok).toBe(true);
  });

  it.each([
    'anthropic.claude-3-5-haiku-20241022-v1:0',
    'global.anthropic.claude-opus-4-6-v1',
    'us-gov.anthropic.claude-3-7-sonnet-20250219-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
  ])('is known by its model or profile: %s', (name) => {
    expect(translate(claudeLine({}), name).ok).toBe(true);
  });

  it('knows what its model takes by the version in the middle of the name', () => {
    const line = claudeLine({ temperature: 0.5 });

    expect(sent(translate(line, 'anthropic.claude-opus-4-6-v1'))).toMatchObject({ modelInput: { temperature: 0.5 } });
    expect(translate(line, 'anthropic.claude-opus-4-7-v1')).toMatchObject({
      warnings: [{ param: 'body.temperature' }],
    });
  });
});

describe('a Messages line for Claude', () => {
  const params =
    '{"max_tokens":1.0,"stream":false,"model":"m","messages":[{"role":"user","content":"caf\\u00e9 1e400"}]}';

  it('keeps the bytes of every value, in either wrapping', () => {
    const native = lineOf(`{"custom_id":"a","params":${params}}`);
    const wrapped = lineOf(`{"custom_id":"a","method":"POST","url":"/v1/messages","body":${params}}`);
    const expected = `{"recordId":"${lineId}","modelInput":{"anthropic_version":"bedrock-2023-05-31","max_tokens":1.0,"messages":[{"role":"user","content":"caf\\u00e9 1e400"}]}}`;

    for (const line of [native, wrapped]) {
      const translated = translate(line, model);
      expect(translated.ok && translated.bytes.toString()).toBe(expected);
    }
  });

  it('keeps a version of its own', () => {
    const line = lineOf(
      '{"custom_id":"a","params":{"model":"m","anthropic_version":"bedrock-2030-01-01","messages":[]}}',
    );

    expect(sent(translate(line, model)).modelInput).toEqual({ anthropic_version: 'bedrock-2030-01-01', messages: [] });
  });
});

it('refuses a model whose body is not known, and an endpoint that Claude has not', () => {
  expect(translate(claudeLine({}), 'cohere.embed-english-v3')).toMatchObject({
    ok: false,
    error: { code: 'unsupported_model', param: 'body.model' },
  });
  expect(translate(lineOf(openAILine('a', { model, input: 'x' }, '/v1/embeddings')))).toMatchObject({
    ok: false,
    error: { code: 'unsupported_endpoint', param: 'url' },
  });
});

it('never throws and never loses the id, however odd the body', () => {
  const oddBody = fc.dictionary(
    fc.constantFrom('messages', 'tools', 'tool_choice', 'stop', 'user', 'temperature', 'max_tokens', 'response_format'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(oddBody, (body) => {
      const translated = translate(lineOf(openAILine('a', { model, ...body })));
      if (translated.ok) expect(sent(translated)).toMatchObject({ recordId: lineId, modelInput: expect.any(Object) });
      else expect(translated.error.message).not.toBe('');
    }),
  );
});
