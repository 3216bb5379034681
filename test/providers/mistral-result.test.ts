import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnsweredLine, TranslatedResult } from '../../lib/providers/contract.ts';
import { translateResult } from '../../lib/providers/mistral/result.ts';
import { runs } from '../seed.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function read(line: object | string, changes: Partial<AnsweredLine> = {}): TranslatedResult {
  return translateResult(Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)), answered(changes));
}

function answer(body: object, status = 200): object {
  return { id: 'x', custom_id: lineId, response: { status_code: status, body }, error: null };
}

function completion(message: object, finishReason = 'stop'): object {
  const choices = [{ index: 0, finish_reason: finishReason, message: { role: 'assistant', ...message } }];
  return { id: 'c-1', object: 'chat.completion', created: 1_790_000_000, model: 'mistral-small-2506', choices, usage };
}

function choiceOf(body: object): unknown {
  const line = resultLine(read(answer(body))) as { response: { body: { choices: unknown[] } } };
  return line.response.body.choices[0];
}

describe('an answer', () => {
  it("becomes OpenAI's chat completion under the customer's id", () => {
    const result = read(answer(completion({ content: 'Hi', tool_calls: null, prefix: false })));
    expect(result).toMatchObject({ succeeded: true, retryable: false, model: 'mistral-small-2506' });
    expect(result).toMatchObject({ usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 } });
    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      error: null,
      response: {
        status_code: 200,
        request_id: 'c-1',
        body: {
          id: 'c-1',
          created: 1_790_000_000,
          choices: [
            {
              index: 0,
              finish_reason: 'stop',
              logprobs: null,
              message: { role: 'assistant', content: 'Hi', refusal: null },
            },
          ],
          usage: { ...usage, prompt_tokens_details: { cached_tokens: 0 } },
        },
      },
    });
  });

  it('of chunks becomes one text, and its thoughts apart', () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }], closed: true },
      { type: 'text', text: 'It is ' },
      { type: 'reference', reference_ids: [1] },
      { type: 'text', text: '4.' },
    ];
    expect(choiceOf(completion({ content }))).toMatchObject({
      message: { content: 'It is 4.', reasoning_content: 'Hm.' },
    });
  });

  it('with calls of tools has their arguments as text, with their own numbers', () => {
    const body = JSON.stringify(
      answer(
        completion(
          { content: '', tool_calls: [{ id: 'aB3dE5gH9', function: { name: 'f', arguments: '@' } }] },
          'tool_calls',
        ),
      ),
    ).replace('"@"', '{"a":12345678901234567890,"b":1.0}');
    expect(resultLine(read(body))).toMatchObject({
      response: {
        body: {
          choices: [
            {
              finish_reason: 'tool_calls',
              message: {
                content: null,
                tool_calls: [
                  {
                    id: 'aB3dE5gH9',
                    type: 'function',
                    function: { name: 'f', arguments: '{"a":12345678901234567890,"b":1.0}' },
                  },
                ],
              },
            },
          ],
        },
      },
    });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['model_length', 'length'],
    ['something new', 'stop'],
  ])('that ended with %s ended with %s', (theirs, ours) => {
    expect(choiceOf(completion({ content: 'x' }, theirs))).toMatchObject({ finish_reason: ours });
  });

  it('that broke off has failed, is paid for, and may be tried again', () => {
    const result = read(answer(completion({ content: '' }, 'error')));
    expect(result).toMatchObject({ succeeded: false, retryable: true, usage: { input_tokens: 10 } });
    expect(resultLine(result)).toMatchObject({ error: { code: 'generation_error', attempts: 1 } });
  });

  it('of embeddings keeps its vectors as they are', () => {
    const line = `{"custom_id":"${lineId}","response":{"status_code":200,"body":{"object":"list","data":[{"embedding":[0.10,1e-7]}]}},"error":null}`;
    const result = read(line, { endpoint: '/v1/embeddings' });
    expect(result.kind === 'answered' && result.bytes.toString()).toContain('"embedding":[0.10,1e-7]');
  });

  it('of moderations says whether any category applies', () => {
    const results = [{ categories: { violence: true, sexual: false } }, { categories: { violence: false } }];
    const line = resultLine(read(answer({ id: 'm', results }), { endpoint: '/v1/moderations' }));
    expect(line).toMatchObject({ response: { body: { results: [{ flagged: true }, { flagged: false }] } } });
  });
});

describe('a failure', () => {
  it.each([
    [400, false],
    [422, false],
    [429, true],
    [500, true],
  ])('with status %i keeps it (retryable: %s)', (status, retryable) => {
    const body = { object: 'error', message: 'Bad key sk-abcdefghijkl', type: 'invalid', param: null, code: '1500' };
    const result = read(answer(body, status));
    expect(result).toMatchObject({ succeeded: false, retryable, usage: null });
    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      response: {
        status_code: status,
        body: { error: { message: 'Bad key [hidden]', type: 'invalid', code: '1500' } },
      },
      error: { code: '1500', message: 'Bad key [hidden]', attempts: 1 },
    });
  });

  it.each([
    [{ detail: [{ loc: ['body', 'n'], msg: 'too small' }] }, 'body.n: too small'],
    [{ message: { detail: [{ loc: ['body'], msg: 'wrong' }] } }, 'body: wrong'],
    [{ detail: [{ loc: ['body', { toString: 1 }, 0], msg: 'wrong' }] }, 'body.0: wrong'],
    [{ detail: 'Not found' }, 'Not found'],
    [{ error: { message: 'Inner' } }, 'Inner'],
    [{}, 'Mistral answered with HTTP status 422.'],
  ])('is read however it is written: %j', (body, message) => {
    expect(resultLine(read(answer(body, 422)))).toMatchObject({ error: { code: 'http_422', message } });
  });

  it.each(['timed out', { message: 'timed out' }])('without a response may be tried again: %j', (error) => {
    const result = read({ custom_id: lineId, response: null, error });
    expect(result).toMatchObject({ succeeded: false, retryable: true });
    expect(resultLine(result)).toMatchObject({ error: { message: 'timed out' } });
  });
});

describe('a line', () => {
  it.each([
    '',
    'x',
    '[]',
    '{}',
    JSON.stringify({ custom_id: lineId }),
    JSON.stringify({ custom_id: lineId, response: {} }),
    JSON.stringify({ custom_id: lineId, response: { status_code: 200 } }),
  ])('is malformed as %s', (text) => {
    expect(read(text).kind).toBe('malformed');
  });

  it('of another sending is never used', () => {
    expect(read({ custom_id: 'other', response: { status_code: 200, body: {} } })).toEqual({ kind: 'foreign' });
  });

  it('never throws, whatever it holds, and answers to its own id', () => {
    const odd = fc.jsonValue();
    const choice = fc.record({
      finish_reason: odd,
      message: fc.oneof(odd, fc.record({ content: odd, tool_calls: odd })),
    });
    const body = fc.oneof(odd, fc.record({ choices: fc.oneof(odd, fc.array(choice)), usage: odd, results: odd }));
    const response = fc.oneof(odd, fc.record({ status_code: fc.constantFrom(200, 400, 500, 'x'), body }));
    fc.assert(
      fc.property(response, odd, (given, error) => {
        const result = read({ custom_id: lineId, response: given, error });
        if (result.kind === 'answered') expect(resultLine(result).custom_id).toBe('mine');
        else expect(result.kind).toBe('malformed');
      }),
      { numRuns: runs(500) },
    );
  });
});
