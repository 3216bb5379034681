import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openai } from '../../lib/providers/openai/provider.ts';
import { providers } from '../../lib/providers/registry.ts';
import { withTranslatedEndpoints } from '../../lib/providers/shared/forms/translated-endpoints.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import { usageOf } from '../../lib/records/usage.ts';
import { runs } from '../seed.ts';
import { answered, lineId, lineOf, openAILine, resultLine, sent } from './support/lines.ts';

const model = 'claude-opus-4-6';
const target = { lineId, model };
const chatOnly = withTranslatedEndpoints({ ...openai, endpoints: ['/v1/chat/completions'] });

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const name = fc.stringMatching(/^[a-z][a-z_]{0,12}$/);
const toolId = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
/** As JSON says it, which has no other -0 than 0. */
const input = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value): object => JSON.parse(JSON.stringify(value)));
const image = fc.record({
  type: fc.constant('image'),
  source: fc.oneof(
    fc.record({
      type: fc.constant('base64'),
      media_type: fc.constantFrom('image/png', 'image/jpeg'),
      data: fc.base64String(),
    }),
    fc.record({ type: fc.constant('url'), url: fc.webUrl() }),
  ),
});
const textBlock = fc.record({ type: fc.constant('text'), text });
const pdf = fc.record({
  type: fc.constant('document'),
  title: text,
  source: fc.record({
    type: fc.constant('base64'),
    media_type: fc.constant('application/pdf'),
    data: fc.base64String(),
  }),
});
const said = fc.oneof(text, fc.array(fc.oneof(textBlock, image, pdf), { minLength: 2, maxLength: 4 }));

const toolTurn = fc.record({ id: toolId, name, input, text, result: text, next: text }).map((turn) => [
  {
    role: 'assistant',
    content: [
      { type: 'text', text: turn.text },
      { type: 'tool_use', id: turn.id, name: turn.name, input: turn.input },
    ],
  },
  {
    role: 'user',
    content: [
      { type: 'tool_result', tool_use_id: turn.id, content: turn.result },
      { type: 'text', text: turn.next },
    ],
  },
]);
const spokenTurn = fc.tuple(text, said).map(([answer, content]) => [
  { role: 'assistant', content: answer },
  { role: 'user', content },
]);

const tool = fc.record({
  name,
  description: text,
  input_schema: fc.constant({ type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false }),
});

/** Messages requests made of what chat completions can express, too. */
const messagesRequest = fc
  .record(
    {
      model: fc.constant(model),
      max_tokens: fc.integer({ min: 1, max: 32_000 }),
      system: text,
      messages: fc
        .tuple(said, fc.array(fc.oneof(toolTurn, spokenTurn), { maxLength: 3 }))
        .map(([first, turns]) => [{ role: 'user', content: first }, ...turns.flat()]),
      tools: fc.uniqueArray(tool, { minLength: 1, maxLength: 3, selector: (one) => one.name }),
      stop_sequences: fc.array(text, { minLength: 1, maxLength: 3 }),
      temperature: fc.double({ min: 0, max: 0.99, noNaN: true }),
      metadata: fc.record({ user_id: fc.string({ minLength: 1, maxLength: 60 }) }),
    },
    { requiredKeys: ['model', 'max_tokens', 'messages'] },
  )
  .chain((request) =>
    request.tools === undefined
      ? fc.constant(request)
      : fc
          .constantFrom<object>(
            { type: 'auto' },
            { type: 'any' },
            { type: 'none' },
            { type: 'any', disable_parallel_tool_use: true },
          )
          .map((tool_choice) => ({ ...request, tool_choice })),
  );

function native(params: object): string {
  return JSON.stringify({ custom_id: 'mine', params });
}

describe('a Messages request', () => {
  it('means the same after it went through a chat completion and back', () => {
    fc.assert(
      fc.property(messagesRequest, (params) => {
        const chat = sent(providers.openai.translateRequest(lineOf(native(params)), target));
        const back = providers.anthropic.translateRequest(lineOf(JSON.stringify(chat)), target);
        expect(back.ok && back.warnings).toEqual([]);
        expect(sent(back).params).toEqual(params);
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('a Message', () => {
  const block = fc.oneof(
    fc.record({ type: fc.constant('text'), text, citations: fc.constant(null) }),
    fc.record({ type: fc.constant('tool_use'), id: toolId, name, input, caller: fc.constant({ type: 'direct' }) }),
  );

  it('is the same after it went through a chat completion and back', () => {
    fc.assert(
      fc.property(
        fc.option(
          block.filter((one) => one.type === 'text'),
          { nil: undefined },
        ),
        fc.array(
          block.filter((one) => one.type === 'tool_use'),
          { maxLength: 3 },
        ),
        fc.record({ input: fc.nat(9999), cached: fc.nat(99), output: fc.nat(9999), reasoning: fc.nat(99) }),
        fc.boolean(),
        (spoken, calls, tokens, isCut) => {
          const usage = usageOf({ ...tokens, input: tokens.input + tokens.cached });
          const message = {
            id: 'msg_1',
            type: 'message',
            role: 'assistant',
            model,
            content: [...(spoken ? [spoken] : []), ...calls],
            stop_reason: isCut ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn',
            usage: {
              input_tokens: tokens.input,
              cache_read_input_tokens: tokens.cached,
              output_tokens: tokens.output,
              output_tokens_details: { thinking_tokens: tokens.reasoning },
            },
          };
          const line = Buffer.from(JSON.stringify({ custom_id: lineId, result: { type: 'succeeded', message } }));
          const completion = resultLine(providers.anthropic.translateResult(line, answered()));
          const answer = Buffer.from(JSON.stringify({ ...completion, custom_id: lineId }));
          const back = providers.openai.translateResult(
            answer,
            answered({ endpoint: '/v1/messages', format: 'anthropic' }),
          );
          expect(back).toMatchObject({ kind: 'answered', succeeded: true, usage });
          expect(resultLine(back)).toMatchObject({ custom_id: 'mine', result: { type: 'succeeded', message } });
        },
      ),
      { numRuns: runs(200) },
    );
  });
});

describe('the output of a Response', () => {
  const call = fc.record({
    id: toolId,
    type: fc.constant('function'),
    function: fc.record({ name, arguments: input.map((value) => JSON.stringify(value)) }),
  });
  const message = fc
    .record({ content: fc.option(text), tool_calls: fc.array(call, { maxLength: 3 }) })
    .filter(({ content, tool_calls }) => content !== null || tool_calls.length > 0);

  it('is the same assistant message when it is the input of the next request', () => {
    fc.assert(
      fc.property(message, ({ content, tool_calls }) => {
        const given = { role: 'assistant', content, ...(tool_calls.length > 0 && { tool_calls }) };
        const body = {
          id: 'chatcmpl-1',
          object: 'chat.completion',
          created: 1,
          model: 'some-model',
          choices: [{ index: 0, message: given, finish_reason: 'stop' }],
        };
        const response = { status_code: 200, request_id: 'r', body };
        const line = Buffer.from(JSON.stringify({ id: 'x', custom_id: lineId, response, error: null }));
        const asked = answered({ endpoint: '/v1/responses' });
        const { output } = bodyOf(resultLine(chatOnly.translateResult(line, asked)));
        const next = openAILine('mine', { model: 'some-model', input: output }, '/v1/responses');
        const chat = sent(chatOnly.translateRequest(lineOf(next), { lineId, model: 'some-model' }));
        expect(isObject(chat.body) && chat.body.messages).toEqual([given]);
      }),
      { numRuns: runs(200) },
    );
  });
});

function bodyOf(line: Record<string, unknown>): JsonObject {
  if (isObject(line.response) && isObject(line.response.body)) return line.response.body;
  throw new Error('no body');
}
