import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translateRequest } from '../../lib/providers/anthropic/request.ts';
import { translateResult } from '../../lib/providers/anthropic/result.ts';
import { runs } from '../seed.ts';
import { answered, chatLine, lineId, resultLine, sent } from './support/lines.ts';

const recorded: { results: { firstLine: object }; thinkingLine: object } = JSON.parse(
  readFileSync(new URL('../fixtures/recordings/anthropic.json', import.meta.url), 'utf8'),
);

function line(result: unknown): Buffer {
  return Buffer.from(JSON.stringify({ custom_id: lineId, result }));
}

function succeeded(message: object): Buffer {
  const whole = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-4-6', stop_reason: 'end_turn' };
  return line({ type: 'succeeded', message: { ...whole, content: [], ...message } });
}

function errored(type: string, message = 'why'): Buffer {
  return line({ type: 'errored', error: { type: 'error', error: { type, message }, request_id: 'req_1' } });
}

function completionOf(bytes: Buffer): Record<string, unknown> {
  const { response } = resultLine(translateResult(bytes, answered())) as {
    response: { body: Record<string, unknown> };
  };
  return response.body;
}

describe('a result line of Anthropic, for a chat', () => {
  it('becomes a line of OpenAI’s output file', () => {
    const content = [
      { type: 'thinking', thinking: 'Hm.', signature: 's' },
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
    ];
    const usage = {
      input_tokens: 3,
      cache_creation_input_tokens: 4,
      cache_read_input_tokens: 5,
      output_tokens: 6,
      output_tokens_details: { thinking_tokens: 2 },
      service_tier: 'batch',
    };

    const result = translateResult(succeeded({ content, usage }), answered());

    expect(result).toMatchObject({ kind: 'answered', succeeded: true, retryable: false, model: 'claude-opus-4-6' });
    expect(resultLine(result)).toEqual({
      id: `batch_req_${lineId}`,
      custom_id: 'mine',
      response: {
        status_code: 200,
        request_id: 'msg_1',
        body: {
          id: 'msg_1',
          object: 'chat.completion',
          created: expect.any(Number),
          model: 'claude-opus-4-6',
          choices: [
            {
              index: 0,
              message: {
                role: 'assistant',
                content: 'Hello',
                refusal: null,
                reasoning_content: 'Hm.',
                extra_content: { anthropic: { content: content.slice(0, 1) } },
              },
              logprobs: null,
              finish_reason: 'stop',
            },
          ],
          usage: {
            prompt_tokens: 12,
            completion_tokens: 6,
            total_tokens: 18,
            prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 4 },
            completion_tokens_details: { reasoning_tokens: 2 },
          },
          service_tier: 'default',
        },
      },
      error: null,
    });
    expect(result).toMatchObject({ usage: { input_tokens: 12, output_tokens: 6 } });
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['something_new', 'stop'],
  ])('reads the stop reason %s as %s', (stopReason, finishReason) => {
    const content = [{ type: 'text', text: 'Hi' }];
    const { choices } = completionOf(succeeded({ stop_reason: stopReason, content })) as {
      choices: { finish_reason: string; message: object }[];
    };

    expect(choices[0]?.finish_reason).toBe(finishReason);
    expect(choices[0]?.message).toMatchObject({ content: 'Hi' });
    expect(choices[0]?.message).toHaveProperty('refusal', stopReason === 'refusal' ? expect.any(String) : null);
  });

  it('keeps the numbers in a tool’s input to the digit', () => {
    const bytes = Buffer.from(
      succeeded({ stop_reason: 'tool_use', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: { n: 7 } }] })
        .toString()
        .replace('{"n":7}', '{"n": 12345678901234567890, "x": 1.0}'),
    );

    expect(completionOf(bytes)).toMatchObject({
      choices: [
        {
          message: {
            tool_calls: [
              {
                id: 'toolu_1',
                type: 'function',
                function: { name: 'f', arguments: '{"n":12345678901234567890,"x":1.0}' },
              },
            ],
          },
        },
      ],
    });
  });

  it('reads lines that were recorded at Anthropic', () => {
    for (const recordedLine of [recorded.results.firstLine, recorded.thinkingLine]) {
      const bytes = Buffer.from(JSON.stringify({ ...recordedLine, custom_id: lineId }));

      expect(translateResult(bytes, answered())).toMatchObject({ succeeded: true });
    }
  });

  it.each([
    ['invalid_request_error', 400, false],
    ['authentication_error', 401, false],
    ['permission_error', 403, false],
    ['not_found_error', 404, false],
    ['rate_limit_error', 429, true],
    ['api_error', 500, true],
    ['timeout_error', 504, true],
    ['overloaded_error', 529, true],
    ['unheard_of_error', 500, true],
  ])('gives %s the status %i', (type, status, retryable) => {
    const result = translateResult(errored(type, 'Bad key sk-ant-abcdefgh'), answered({ attempts: 3 }));

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable, usage: null });
    expect(resultLine(result)).toEqual({
      id: `batch_req_${lineId}`,
      custom_id: 'mine',
      response: {
        status_code: status,
        request_id: 'req_1',
        body: { error: { message: 'Bad key [hidden]', type, param: null, code: type } },
      },
      error: { code: type, message: 'Bad key [hidden]', attempts: 3 },
    });
  });
});

describe('a result line of Anthropic', () => {
  it.each([
    ['expired', 'expired'],
    ['canceled', 'cancelled'],
  ])('that is %s was never executed', (type, reason) => {
    for (const format of ['openai', 'anthropic'] as const)
      expect(translateResult(line({ type }), answered({ format }))).toMatchObject({
        kind: 'unexecuted',
        position: 0,
        reason,
      });
  });

  it('that failed is an error of Anthropic for whoever asked for a Message in OpenAI’s wrapping', () => {
    const result = translateResult(errored('overloaded_error'), answered({ endpoint: '/v1/messages' }));

    expect(resultLine(result)).toMatchObject({
      response: {
        status_code: 529,
        body: { type: 'error', error: { type: 'overloaded_error', message: 'why' }, request_id: 'req_1' },
      },
      error: { code: 'overloaded_error', message: 'why' },
    });
  });

  it('keeps its bytes for a line in Anthropic’s form', () => {
    const native = answered({ format: 'anthropic', endpoint: '/v1/messages', attempts: 2 });
    const good = Buffer.from(
      `{ "custom_id":"${lineId}", "result":{"type":"succeeded","message":{"model":"m","content":[],"usage":{"input_tokens":1.0}}}}`,
    );

    const result = translateResult(good, native);
    const failed = translateResult(errored('overloaded_error'), native);

    expect(result).toMatchObject({ succeeded: true, model: 'm', usage: { input_tokens: 1 } });
    expect(result.kind === 'answered' && result.bytes.toString()).toBe(good.toString().replace(lineId, 'mine'));
    expect(failed).toMatchObject({ succeeded: false, retryable: true });
    expect(resultLine(failed)).toMatchObject({
      custom_id: 'mine',
      result: { type: 'errored', error: { type: 'error', error: { type: 'overloaded_error' } } },
      error: { code: 'overloaded_error', message: 'why', attempts: 2 },
    });
  });

  it('answers a Messages body that came in OpenAI’s form with the message itself', () => {
    const result = translateResult(succeeded({ stop_reason: 'end_turn' }), answered({ endpoint: '/v1/messages' }));

    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      response: { status_code: 200, body: { id: 'msg_1', type: 'message', stop_reason: 'end_turn' } },
      error: null,
    });
  });

  it('is not used where it is not of this sending', () => {
    expect(translateResult(succeeded({}), () => null)).toEqual({ kind: 'foreign' });
  });

  it.each([
    ['is cut', `{"custom_id":"${lineId}","result":{"type":"succ`],
    ['has no custom_id', '{"result":{"type":"expired"}}'],
    ['has no result', `{"custom_id":"${lineId}"}`],
    ['has an unknown result', `{"custom_id":"${lineId}","result":{"type":"lost"}}`],
    ['has no message', `{"custom_id":"${lineId}","result":{"type":"succeeded"}}`],
    ['has no error', `{"custom_id":"${lineId}","result":{"type":"errored"}}`],
  ])('is malformed where it %s', (_what, text) => {
    expect(translateResult(Buffer.from(text), answered()).kind).toBe('malformed');
  });

  it('never makes us throw, whatever it holds', () => {
    const block = fc.oneof(
      fc.jsonValue(),
      fc.record({ type: fc.constantFrom('text', 'tool_use', 'thinking'), text: fc.jsonValue(), input: fc.jsonValue() }),
    );
    const message = fc.record({
      content: fc.array(block),
      usage: fc.jsonValue(),
      stop_reason: fc.jsonValue(),
      model: fc.jsonValue(),
    });
    const result = fc.record({
      type: fc.constantFrom('succeeded', 'errored', 'expired', 'canceled', 'other'),
      message: fc.oneof(message, fc.jsonValue()),
      error: fc.jsonValue(),
    });
    fc.assert(
      fc.property(
        fc.oneof(result, fc.jsonValue()),
        fc.constantFrom('openai' as const, 'anthropic' as const),
        (value, format) => {
          const translated = translateResult(line(value), answered({ format }));
          if (translated.kind === 'answered') expect(resultLine(translated).custom_id).toBe('mine');
        },
      ),
      { numRuns: runs(300) },
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(translateResult(Buffer.from(bytes), answered()).kind).toBe('malformed');
      }),
    );
  });

  it('is malformed where it is nested too deeply', () => {
    const deep = `${'['.repeat(200_000)}1.0${']'.repeat(200_000)}`;
    const bytes = Buffer.from(
      succeeded({ content: [{ type: 'tool_use', id: 'a', name: 'f', input: { n: 7 } }] })
        .toString()
        .replace('{"n":7}', `{"n":${deep}}`),
    );

    expect(translateResult(bytes, answered()).kind).toBe('malformed');
  });
});

describe('there and back', () => {
  it('keeps what an assistant said, and the calls it made', () => {
    const text = fc.string({ minLength: 1 });
    const callId = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
    const call = fc.record({
      id: callId,
      name: fc.stringMatching(/^[a-z_]{1,20}$/),
      input: fc.dictionary(fc.string(), fc.jsonValue()),
    });
    fc.assert(
      fc.property(
        text,
        text,
        fc.uniqueArray(call, { selector: ({ id }) => id, minLength: 1, maxLength: 3 }),
        (question, answer, calls) => {
          const content = [{ type: 'text', text: answer }, ...calls.map((made) => ({ type: 'tool_use', ...made }))];
          const { choices } = completionOf(succeeded({ content, stop_reason: 'tool_use' })) as {
            choices: { message: object }[];
          };
          const results = calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: id }));
          const chat = chatLine({ messages: [{ role: 'user', content: question }, choices[0]?.message, ...results] });

          const params = sent(translateRequest(chat, { lineId, model: chat.model })).params;

          expect(params).toMatchObject({
            messages: [
              { role: 'user', content: question },
              { role: 'assistant', content: JSON.parse(JSON.stringify(content)) },
              { role: 'user', content: calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: id })) },
            ],
          });
        },
      ),
    );
  });
});
