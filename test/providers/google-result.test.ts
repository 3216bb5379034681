import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { translateResult as translateGemini } from '../../lib/providers/gemini/result.ts';
import { translateResult as translateVertex } from '../../lib/providers/vertex/result.ts';
import recordings from '../fixtures/recordings/vertex.json' with { type: 'json' };
import { answered, lineId, resultLine } from './support/lines.ts';

const usageMetadata = {
  promptTokenCount: 10,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 3,
  cachedContentTokenCount: 4,
  totalTokenCount: 18,
};

function gemini(content: object, changes: Parameters<typeof answered>[0] = {}) {
  return translateGemini(Buffer.from(JSON.stringify({ key: lineId, ...content })), answered(changes));
}

function completionOf(candidate: object) {
  const result = gemini({
    response: { candidates: [candidate], usageMetadata, modelVersion: 'gemini-2.5-flash', responseId: 'r' },
  });
  return (resultLine(result).response as { body: { choices: object[]; usage: object } }).body;
}

const said = (text: string) => ({ content: { role: 'model', parts: [{ text }] } });

describe('an answer of Gemini', () => {
  it('becomes a completion, with thoughts apart and all tokens', () => {
    const parts = [{ text: 'Hm.', thought: true }, { text: 'Hello' }, { text: ' there' }];
    const body = completionOf({ content: { role: 'model', parts }, finishReason: 'STOP' });

    expect(body).toMatchObject({
      id: 'r',
      object: 'chat.completion',
      model: 'gemini-2.5-flash',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          message: { content: 'Hello there', reasoning_content: 'Hm.', refusal: null },
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 8,
        total_tokens: 18,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    });
  });

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['SPII', 'content_filter'],
    ['SOMETHING_NEW', 'stop'],
  ])('ends for a reason: %s', (reason, expected) => {
    expect(completionOf({ ...said('x'), finishReason: reason }).choices).toMatchObject([{ finish_reason: expected }]);
  });

  it.each(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MALFORMED_RESPONSE'])(
    'of nothing but a %s may be tried again',
    (finishReason) => {
      const thought = { content: { parts: [{ text: 'Hm.', thought: true }] }, finishReason };
      const ended = (candidate: object) => gemini({ response: { candidates: [candidate], usageMetadata } });

      for (const broken of [ended({ finishReason }), ended(thought)]) {
        expect(broken).toMatchObject({ succeeded: false, retryable: true, usage: { input_tokens: 10 } });
        expect(resultLine(broken)).toMatchObject({ custom_id: 'mine', error: { code: 'generation_error' } });
      }
      expect(ended({ ...said('Half'), finishReason })).toMatchObject({ succeeded: true });
    },
  );

  it('calls tools, each under an id of its own, numbers as the model wrote them', () => {
    const call = '{"functionCall":{"name":"f","args":{"a":12345678901234567890,"b":1.0}},"thoughtSignature":"c2ln"}';
    const text = `{"key":"${lineId}","response":{"candidates":[{"content":{"parts":[${call},${call}]},"finishReason":"STOP"}]}}`;
    const line = resultLine(translateGemini(Buffer.from(text), answered()));

    const { message, finish_reason } = (
      line.response as {
        body: {
          choices: [
            { message: { tool_calls: { id: string; function: { arguments: string } }[] }; finish_reason: string },
          ];
        };
      }
    ).body.choices[0];
    expect(finish_reason).toBe('tool_calls');
    expect(new Set(message.tool_calls.map(({ id }) => id)).size).toBe(2);
    expect(message.tool_calls[0]).toMatchObject({
      function: { name: 'f', arguments: '{"a":12345678901234567890,"b":1.0}' },
      extra_content: { google: { thought_signature: 'c2ln' } },
    });
  });

  it('fails where a prompt was blocked, with the reason and what it has cost', () => {
    const promptFeedback = { blockReason: 'SAFETY', blockReasonMessage: 'no', safetyRatings: [{ category: 'C' }] };
    const result = gemini({ response: { promptFeedback, usageMetadata } });

    expect(result).toMatchObject({ succeeded: false, retryable: false, usage: { input_tokens: expect.any(Number) } });
    const error = { code: 'content_filter', message: 'Google blocked the prompt, SAFETY: no' };
    expect(resultLine(result)).toMatchObject({
      response: { status_code: 400, body: { error: { ...error, extra_content: { google: { promptFeedback } } } } },
      error,
    });
  });

  it('keeps what is said of a prompt that was answered', () => {
    const promptFeedback = { safetyRatings: [{ category: 'C' }] };
    const candidates = [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }];

    expect(resultLine(gemini({ response: { candidates, promptFeedback } }))).toMatchObject({
      response: { body: { choices: [{ message: { extra_content: { google: { promptFeedback } } } }] } },
    });
  });

  it('has log probabilities', () => {
    const chosen = { token: 'é', logProbability: -0.5 };
    const logprobsResult = { chosenCandidates: [chosen], topCandidates: [{ candidates: [chosen] }] };

    expect(completionOf({ ...said('é'), logprobsResult }).choices).toMatchObject([
      { logprobs: { content: [{ token: 'é', logprob: -0.5, bytes: [195, 169], top_logprobs: [{ token: 'é' }] }] } },
    ]);
  });

  it('has log probabilities in their own spelling', () => {
    const logprobs = '{"chosenCandidates":[{"token":"a","logProbability":-0.50}]}';
    const text = `{"key":"${lineId}","response":{"candidates":[{"content":{"parts":[{"text":"a"}]},"logprobsResult":${logprobs}}]}}`;
    const result = translateGemini(Buffer.from(text), answered());

    expect(result.kind === 'answered' && result.bytes.toString()).toContain('"logprob":-0.50');
  });

  it('counts no tokens where the count is none', () => {
    const response = { embedding: { values: [1] }, tokenCount: { toString: 1 } };

    expect(gemini({ response }, { endpoint: '/v1/embeddings' })).toMatchObject({ usage: { input_tokens: 0 } });
  });

  it.each([
    ['a batch', '"tokenCount":"3"'],
    ['a call', '"usageMetadata":{"promptTokenCount":3}'],
  ])('gives embeddings of %s to the last digit', (_what, counts) => {
    const text = `{"key":"${lineId}","response":{"embedding":{"values":[0.10,1e-9]},${counts}}}`;
    const result = translateGemini(Buffer.from(text), answered({ endpoint: '/v1/embeddings' }));

    expect(result.kind === 'answered' && result.bytes.toString()).toContain('"embedding":[0.10,1e-9]');
    expect(result).toMatchObject({ usage: { input_tokens: 3 } });
  });
});

describe('an error of Gemini', () => {
  it.each([
    [{ code: 3, message: 'bad' }, 400, false],
    [{ code: 8, message: 'much' }, 429, true],
    [{ code: 13, message: 'oops' }, 500, true],
    [{ code: 14, message: 'busy' }, 503, true],
    [{ code: 400, message: 'bad', status: 'INVALID_ARGUMENT' }, 400, false],
    [{ message: 'what?' }, 500, true],
    [{ code: 0 }, 500, true],
    [{}, 500, true],
    [{ code: { toString: 1 }, status: 'INTERNAL' }, 500, true],
  ])('has a status and may come again or not: %j', (error, status, retryable) => {
    const result = gemini({ error });

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable });
    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      response: { status_code: status },
      error: { attempts: 1 },
    });
  });
});

describe('a result line of Vertex', () => {
  it('is read as it was recorded', () => {
    for (const recorded of recordings.results) {
      const result = translateVertex(Buffer.from(JSON.stringify({ ...recorded, custom_id: lineId })), answered());

      expect(resultLine(result)).toMatchObject({
        custom_id: 'mine',
        response: {
          status_code: 200,
          body: {
            id: recorded.response.responseId,
            created: 1737917404,
            model: 'gemini-1.5-flash-002@default',
            choices: [
              { finish_reason: 'stop', message: { content: recorded.response.candidates[0]?.content.parts[0]?.text } },
            ],
            usage: { total_tokens: recorded.response.usageMetadata.totalTokenCount },
          },
        },
        error: null,
      });
    }
  });

  it.each([
    ['Bad Request: {"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}', 400],
    ['{"error":{"code":429,"message":"much"}}', 429],
    ['Internal error. code: 13', 500],
    ['Who knows', 500],
  ])('failed where it has a status: %s', (status, expected) => {
    const result = translateVertex(
      Buffer.from(JSON.stringify({ custom_id: lineId, status, response: {} })),
      answered(),
    );

    expect(resultLine(result)).toMatchObject({
      response: { status_code: expected },
      error: { code: expect.any(String) },
    });
  });

  it.each(['openai', 'anthropic'] as const)('of Claude failed as Anthropic says, in the form of %s', (format) => {
    const response = { type: 'error', error: { type: 'invalid_request_error', message: 'no' } };
    const line = JSON.stringify({ custom_id: lineId, status: '', response });
    const result = translateVertex(Buffer.from(line), answered({ format, endpoint: '/v1/messages' }));

    expect(result).toMatchObject({ succeeded: false, retryable: false });
    expect(resultLine(result)).toMatchObject({ custom_id: 'mine', error: { code: 'invalid_request_error' } });
  });

  it('is answered in Anthropic’s form where it was asked in it, in the message’s own bytes', () => {
    const message = '{"type":"message","id":"m","content":[],"usage":{"input_tokens":1.0}}';
    const result = translateVertex(
      Buffer.from(`{"custom_id":"${lineId}","status":"","response":${message}}`),
      answered({ format: 'anthropic', endpoint: '/v1/messages' }),
    );

    expect(result.kind === 'answered' && result.bytes.toString()).toBe(
      `{"custom_id":"mine","result":{"type":"succeeded","message":${message}}}`,
    );
  });

  it.each([
    [
      { status: '', response: { candidates: [{ ...said('Hi'), finishReason: 'STOP' }], usageMetadata } },
      { type: 'succeeded', message: { type: 'message', role: 'assistant' } },
    ],
    [
      { status: '{"error":{"code":429,"message":"much"}}' },
      { type: 'errored', error: { error: { type: 'rate_limit_error' } } },
    ],
  ])('is answered in Anthropic’s form by Gemini, too: %j', (members, result) => {
    const find = answered({ format: 'anthropic', endpoint: '/v1/messages' });
    const translated = translateVertex(Buffer.from(JSON.stringify({ custom_id: lineId, ...members })), find);

    expect(resultLine(translated)).toMatchObject({ custom_id: 'mine', result });
  });
});

describe.each([
  ['gemini', 'key', translateGemini],
  ['vertex', 'custom_id', translateVertex],
] as const)('%s', (_kind, idName, translate) => {
  it.each([{ error: {} }, { error: { code: 0 } }, { error: { status: 'OK' } }, { status: 'OK' }])(
    'keeps an answer beside an error that is none: %j',
    (members) => {
      const response = { candidates: [said('Hi')], usageMetadata };
      const line = JSON.stringify({ [idName]: lineId, ...members, response });

      expect(translate(Buffer.from(line), answered())).toMatchObject({ succeeded: true, usage: { input_tokens: 10 } });
    },
  );

  it('never throws, whatever the bytes are', () => {
    const content = fc.record(
      { response: fc.jsonValue(), error: fc.jsonValue(), status: fc.jsonValue() },
      { requiredKeys: [] },
    );

    fc.assert(
      fc.property(content, (members) => {
        const result = translate(Buffer.from(JSON.stringify({ [idName]: lineId, ...members })), answered());
        expect(['answered', 'malformed']).toContain(result.kind);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(translate(Buffer.from(bytes), answered()).kind).toBe('malformed');
      }),
    );
  });

  it('bears deep nesting, and knows whose line it is', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const text = `{"${idName}":"${lineId}","response":{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":${deep}}}}]}}]}}`;

    expect(['answered', 'malformed']).toContain(translate(Buffer.from(text), answered()).kind);
    expect(translate(Buffer.from(`{"${idName}":"other","response":{}}`), answered()).kind).toBe('foreign');
  });
});
