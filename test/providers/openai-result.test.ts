import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openai } from '../../lib/providers/openai/provider.ts';
import { openaiCompatible } from '../../lib/providers/openai-compatible/provider.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

const recorded: { results: { firstLine: object } } = JSON.parse(
  readFileSync(new URL('../fixtures/recordings/openai.json', import.meta.url), 'utf8'),
);

function outputLine(response: unknown, error: unknown = null): Buffer {
  return Buffer.from(JSON.stringify({ id: 'batch_req_1', custom_id: lineId, response, error }));
}

function ok(body: object): Buffer {
  return outputLine({ status_code: 200, request_id: 'r', body });
}

describe('a result line of OpenAI', () => {
  it('keeps the bytes of a success but for the custom_id', () => {
    const bytes = Buffer.from(
      `{"id": "batch_req_1", "custom_id":"${lineId}" , "response": {"status_code": 200, "body": {"model":"m","n": 12345678901234567890, "x":1.0}}, "error": null}`,
    );

    const result = openai.translateResult(bytes, answered({ customId: 'the "customer"’s' }));

    expect(result).toMatchObject({ kind: 'answered', succeeded: true, retryable: false, position: 0, model: 'm' });
    expect(result.kind === 'answered' && result.bytes.toString()).toBe(
      bytes.toString().replace(`"${lineId}"`, '"the \\"customer\\"’s"'),
    );
  });

  it('reads a line that was recorded at OpenAI', () => {
    const bytes = Buffer.from(JSON.stringify({ ...recorded.results.firstLine, custom_id: lineId }));

    const result = openai.translateResult(bytes, answered());

    expect(result).toMatchObject({
      succeeded: true,
      model: 'gpt-3.5-turbo-0125',
      usage: { input_tokens: 10, output_tokens: 3, total_tokens: 13 },
    });
  });

  it.each([
    [
      'chat',
      {
        prompt_tokens: 9,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
      [9, 4, 5, 2],
    ],
    ['embeddings', { prompt_tokens: 9, total_tokens: 9 }, [9, 0, 0, 0]],
    [
      'responses',
      {
        input_tokens: 9,
        output_tokens: 5,
        input_tokens_details: { cached_tokens: 4 },
        output_tokens_details: { reasoning_tokens: 2 },
      },
      [9, 4, 5, 2],
    ],
    ['nonsense', { prompt_tokens: -1, completion_tokens: 'many' }, [0, 0, 0, 0]],
  ])('counts the tokens of %s', (_name, usage, [input, cached, output, reasoning]) => {
    const result = openai.translateResult(ok({ model: 'm', usage }), answered());

    expect(result).toMatchObject({
      usage: {
        input_tokens: input,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: reasoning },
      },
    });
  });

  it.each([
    [400, false],
    [404, false],
    [408, true],
    [429, true],
    [500, true],
    [503, true],
  ])('keeps the response of an HTTP %i and says why', (status, retryable) => {
    const body = { error: { message: 'Bad key sk-abcdefghijkl', type: 't', param: null, code: 'a_code' } };

    const result = openai.translateResult(
      outputLine({ status_code: status, request_id: 'r', body }),
      answered({ attempts: 2 }),
    );

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable, usage: null });
    expect(resultLine(result)).toMatchObject({
      id: 'batch_req_1',
      custom_id: 'mine',
      response: { status_code: status, body },
      error: { code: 'a_code', message: 'Bad key [hidden]', attempts: 2 },
    });
  });

  it('adds the error where the line has no such member', () => {
    const bytes = Buffer.from(`{"custom_id":"${lineId}","response":{"status_code":500,"body":"oops"}}`);

    expect(resultLine(openai.translateResult(bytes, answered()))).toMatchObject({
      response: { status_code: 500, body: 'oops' },
      error: { code: 'http_500', attempts: 1 },
    });
  });

  it.each([
    ['batch_expired', 'expired'],
    ['batch_cancelled', 'cancelled'],
  ] as const)('takes %s for never executed', (code, reason) => {
    const result = openai.translateResult(outputLine(null, { code, message: 'why' }), answered());

    expect(result).toEqual({ kind: 'unexecuted', position: 0, reason, message: 'why' });
  });

  it.each([
    ['request_timeout', true],
    ['anything_else', false],
  ])('takes %s without a response for a failure', (code, retryable) => {
    const result = openai.translateResult(outputLine(null, { code, message: 'why' }), answered());

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable });
    expect(resultLine(result)).toMatchObject({ custom_id: 'mine', response: null, error: { code, attempts: 1 } });
  });

  it('uses no line that is not of this sending', () => {
    expect(openai.translateResult(ok({}), () => null)).toEqual({ kind: 'foreign' });
  });

  it.each([
    ['cut', `{"custom_id":"${lineId}","response":{"status`],
    ['no object', '[]'],
    ['nothing', ''],
    ['no custom_id', '{"response":{}}'],
    ['neither response nor error', `{"custom_id":"${lineId}"}`],
    ['no status', `{"custom_id":"${lineId}","response":{"body":{}}}`],
    ['no body', `{"custom_id":"${lineId}","response":{"status_code":200}}`],
  ])('calls a line malformed that has %s', (_what, text) => {
    expect(openai.translateResult(Buffer.from(text), answered()).kind).toBe('malformed');
  });

  it('never throws, whatever the line holds', () => {
    const line = fc.record(
      { custom_id: fc.constant(lineId), response: fc.jsonValue(), error: fc.jsonValue() },
      { requiredKeys: ['custom_id'] },
    );
    const response = fc.record({ status_code: fc.integer(), body: fc.jsonValue() });
    fc.assert(
      fc.property(fc.oneof(line, fc.record({ custom_id: fc.constant(lineId), response })), (value) => {
        const result = openai.translateResult(Buffer.from(JSON.stringify(value)), answered());
        if (result.kind === 'answered') expect(resultLine(result).custom_id).toBe('mine');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(openai.translateResult(Buffer.from(bytes), answered()).kind).toBe('malformed');
      }),
    );
  });
});

describe('a line of a server that writes otherwise', () => {
  it('is malformed where it is nested more deeply than can be written', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const text = `{"custom_id":"${lineId}","response":{"status_code":"200","body":{"choices":${deep}}},"error":null}`;
    expect(openai.translateResult(Buffer.from(text), answered())).toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('nested too deeply'),
    });
  });

  const whole = { id: 'c', object: 'chat.completion', model: 'm', choices: [], usage: { prompt_tokens: 3 } };
  const response = (status_code: unknown, body: unknown) => ({ response: { status_code, request_id: 'r', body } });
  const translateOdd = (members: object) =>
    openaiCompatible.translateResult(
      Buffer.from(JSON.stringify({ id: 'x', custom_id: lineId, ...members })),
      answered(),
    );

  it.each([
    [
      { ...response(400, null), error: { error: { message: 'too long', type: 'BadRequestError' } } },
      'BadRequestError',
      'too long',
    ],
    [{ response: null, error: 'out of memory' }, 'request_failed', 'out of memory'],
    [{ response: null, error: { error: 'out of memory' } }, 'request_failed', 'out of memory'],
    [{ response: null, error: { code: 500, message: 'died' } }, '500', 'died'],
    [{ ...response(429, { detail: 'Too many requests' }), error: null }, 'http_429', 'Too many requests'],
    [{ ...response(422, { detail: [{ msg: 'too short' }] }), error: null }, 'http_422', 'too short'],
    [{ ...response(400, { error: 'bad' }), error: null }, 'http_400', 'bad'],
    [{ ...response(502, 'Bad gateway'), error: null }, 'http_502', 'Bad gateway'],
  ])('keeps its reason: %j', (members, code, message) => {
    const result = translateOdd(members);

    expect(result).toMatchObject({ kind: 'answered', succeeded: false });
    expect(resultLine(result)).toMatchObject({ error: { code, message } });
  });

  it.each([
    [{ ...response(200, whole), error: {} }],
    [{ ...response(200, whole), error: { code: '', message: '' } }],
    [{ ...response('200', whole), error: null }],
    [{ ...response(200, JSON.stringify(whole)), error: null }],
  ])('is an answer where it is one: %j', (members) => {
    const result = translateOdd(members);

    expect(result).toMatchObject({ kind: 'answered', succeeded: true, usage: { input_tokens: 3 } });
    expect(resultLine(result)).toMatchObject({ response: { status_code: 200, body: whole }, error: null });
  });
});
