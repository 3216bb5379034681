import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestLine } from '../../lib/lines/request-line.ts';
import { translateRequest } from '../../lib/providers/anthropic/request.ts';
import { runs } from '../seed.ts';
import { chatLine, lineId, lineOf, openAILine, sent } from './support/lines.ts';

function translate(line: RequestLine, model = line.model) {
  return translateRequest(line, { lineId, model });
}

function paramsOf(body: object): Record<string, unknown> {
  const line = sent(translate(chatLine(body)));
  expect(line.custom_id).toBe(lineId);
  return line.params as Record<string, unknown>;
}

function warningsOf(body: object): Record<string, string> {
  const translated = translate(chatLine(body));
  if (!translated.ok) throw new Error(translated.error.message);
  return Object.fromEntries(translated.warnings.map((warning) => [warning.param, warning.code]));
}

function errorOf(body: object): { code: string; param: string | null } {
  const translated = translate(chatLine(body));
  if (translated.ok) throw new Error(`translated to ${translated.bytes}`);
  expect(translated.error.message).not.toBe('');
  return { code: translated.error.code, param: translated.error.param };
}

const tool = {
  type: 'function',
  function: { name: 'look_up', description: 'Looks up.', parameters: { type: 'object', properties: {} } },
};
const call = { id: 'call_1', type: 'function', function: { name: 'look_up', arguments: '{"n":1}' } };

describe('the conversation', () => {
  it('lifts system and developer messages out of it', () => {
    const params = paramsOf({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', content: 'Hello' },
      ],
    });

    expect(params).toMatchObject({
      model: 'claude-opus-4-6',
      system: [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [{ role: 'user', content: 'Hello' }],
    });
    expect(
      paramsOf({
        messages: [
          { role: 'system', content: 'One.' },
          { role: 'user', content: 'x' },
        ],
      }).system,
    ).toBe('One.');
  });

  it('says when a system message loses its place', () => {
    const messages = [
      { role: 'user', content: 'Hello' },
      { role: 'system', content: 'Now in French.' },
      { role: 'user', content: 'Go on' },
    ];

    expect(warningsOf({ messages })).toEqual({ 'body.messages[1]': 'parameter_changed' });
  });

  it('keeps turns, and turns tool calls and their results into blocks', () => {
    const params = paramsOf({
      tools: [tool],
      messages: [
        { role: 'user', content: 'What is it?' },
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: [call, { ...call, id: 'call_2', function: { name: 'look_up', arguments: '' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '42' },
        { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: '43' }] },
        { role: 'user', content: 'And?' },
        { role: 'assistant', content: null, tool_calls: [{ ...call, id: 'call_3' }] },
        { role: 'tool', tool_call_id: 'call_3', content: '' },
        { role: 'assistant', content: 'Done.' },
        { role: 'user', content: 'Thanks.' },
      ],
    });

    expect(params.messages).toEqual([
      { role: 'user', content: 'What is it?' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'call_1', name: 'look_up', input: { n: 1 } },
          { type: 'tool_use', id: 'call_2', name: 'look_up', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: '42' },
          { type: 'tool_result', tool_use_id: 'call_2', content: [{ type: 'text', text: '43' }] },
          { type: 'text', text: 'And?' },
        ],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_3', name: 'look_up', input: { n: 1 } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_3' }] },
      { role: 'assistant', content: 'Done.' },
      { role: 'user', content: 'Thanks.' },
    ]);
  });

  it('takes images by data and by URL, and PDFs', () => {
    const params = paramsOf({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: '' },
            { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA' } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'auto' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0x' } },
            { type: 'file', file: { file_data: 'JVBERi0x' } },
          ],
        },
      ],
    });

    expect(params.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' } },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0x' },
            title: 'a.pdf',
          },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0x' } },
        ],
      },
    ]);
  });

  const user = (part: object) => [{ role: 'user', content: [part] }];
  it.each([
    ['no messages', [], 'invalid_request', 'body.messages'],
    ['only a system message', [{ role: 'system', content: 'x' }], 'invalid_request', 'body.messages'],
    ['an empty message', [{ role: 'user', content: '' }], 'invalid_request', 'body.messages[0].content'],
    ['an unknown role', [{ role: 'owner', content: 'x' }], 'invalid_request', 'body.messages[0].role'],
    [
      'a function message',
      [{ role: 'function', name: 'f', content: 'x' }],
      'unsupported_parameter',
      'body.messages[0]',
    ],
    [
      'audio',
      user({ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }),
      'unsupported_parameter',
      'body.messages[0].content[0]',
    ],
    [
      'a BMP',
      user({ type: 'image_url', image_url: { url: 'data:image/bmp;base64,AA' } }),
      'unsupported_parameter',
      'body.messages[0].content[0].image_url.url',
    ],
    [
      'a file kept at OpenAI',
      user({ type: 'file', file: { file_id: 'file-1' } }),
      'unsupported_parameter',
      'body.messages[0].content[0].file.file_id',
    ],
    [
      'a file that is no PDF',
      user({ type: 'file', file: { file_data: 'data:text/csv;base64,AA' } }),
      'unsupported_parameter',
      'body.messages[0].content[0].file.file_data',
    ],
    [
      'arguments that are no JSON',
      [{ role: 'assistant', tool_calls: [{ ...call, function: { name: 'f', arguments: '{' } }] }],
      'invalid_request',
      'body.messages[0].tool_calls[0].function.arguments',
    ],
    [
      'arguments that are no object',
      [{ role: 'assistant', tool_calls: [{ ...call, function: { name: 'f', arguments: '[]' } }] }],
      'invalid_request',
      'body.messages[0].tool_calls[0].function.arguments',
    ],
    [
      'an id that Anthropic refuses',
      [{ role: 'tool', tool_call_id: 'a:b', content: 'x' }],
      'invalid_request',
      'body.messages[0].tool_call_id',
    ],
  ])('refuses %s', (_what, messages, code, param) => {
    expect(errorOf({ messages })).toEqual({ code, param });
  });
});

describe('the parameters', () => {
  it('sets what Anthropic requires and nothing more', () => {
    expect(Object.keys(paramsOf({ temperature: 1, top_p: 1, n: 1, logprobs: false, store: false, stop: [] }))).toEqual([
      'model',
      'max_tokens',
      'messages',
    ]);
    expect(
      warningsOf({ presence_penalty: 0, frequency_penalty: 0, logit_bias: {}, service_tier: 'auto', seed: null }),
    ).toEqual({});
  });

  it.each([
    ['claude-3-opus-20240229', 4096],
    ['claude-3-5-sonnet-20241022', 8192],
    ['claude-3-7-sonnet-20250219', 32000],
    ['claude-opus-4-20250514', 32000],
    ['claude-sonnet-4-5-20250929', 32000],
    ['claude-mythos-preview', 32000],
  ])('gives %s room for %i tokens', (model, maxTokens) => {
    expect(paramsOf({ model }).max_tokens).toBe(maxTokens);
  });

  it('translates limits, stops, users', () => {
    expect(
      paramsOf({ max_tokens: 5, max_completion_tokens: 7, stop: 'END', user: 'u', safety_identifier: 's' }),
    ).toMatchObject({
      max_tokens: 7,
      stop_sequences: ['END'],
      metadata: { user_id: 's' },
    });
    expect(warningsOf({ max_tokens: 5, max_completion_tokens: 7, user: 'u', safety_identifier: 's' })).toEqual({
      'body.max_tokens': 'parameter_dropped',
      'body.user': 'parameter_dropped',
    });
  });

  it('warns of each parameter that it drops', () => {
    expect(
      warningsOf({
        seed: 1,
        presence_penalty: 0.5,
        frequency_penalty: 0.5,
        logit_bias: { 1: 2 },
        service_tier: 'flex',
        store: true,
        prediction: { type: 'content', content: 'x' },
        verbosity: 'low',
        made_up: 1,
        messages: [{ role: 'user', content: 'x', name: 'Ann' }],
      }),
    ).toEqual({
      'body.seed': 'parameter_dropped',
      'body.presence_penalty': 'parameter_dropped',
      'body.frequency_penalty': 'parameter_dropped',
      'body.logit_bias': 'parameter_dropped',
      'body.service_tier': 'parameter_dropped',
      'body.store': 'parameter_dropped',
      'body.prediction': 'parameter_dropped',
      'body.verbosity': 'parameter_dropped',
      'body.made_up': 'parameter_dropped',
      'body.messages[].name': 'parameter_dropped',
    });
  });

  it.each([
    [{ n: 2 }, 'body.n'],
    [{ logprobs: true }, 'body.logprobs'],
    [{ top_logprobs: 3 }, 'body.top_logprobs'],
    [{ audio: {} }, 'body.audio'],
    [{ modalities: ['text', 'audio'] }, 'body.modalities'],
    [{ functions: [{}] }, 'body.functions'],
    [{ response_format: { type: 'json_object' } }, 'body.response_format'],
    [{ tools: [{ type: 'custom', custom: {} }] }, 'body.tools[0]'],
    [
      { tools: [tool], tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool] } } },
      'body.tool_choice',
    ],
  ])('refuses %o', (body, param) => {
    expect(errorOf(body)).toEqual({ code: 'unsupported_parameter', param });
  });

  it.each([
    ['claude-opus-4-6', { temperature: 0.5 }, { temperature: 0.5 }, {}],
    ['claude-opus-4-6', { top_p: 0.5 }, { top_p: 0.5 }, {}],
    ['claude-opus-4-6', { temperature: 1.5 }, {}, { 'body.temperature': 'parameter_changed' }],
    ['claude-opus-4-6', { temperature: 0.5, top_p: 0.5 }, { temperature: 0.5 }, { 'body.top_p': 'parameter_dropped' }],
    ['claude-opus-4-7', { temperature: 0 }, {}, { 'body.temperature': 'parameter_dropped' }],
    [
      'claude-opus-5-5',
      { temperature: 0, top_p: 0.1 },
      {},
      { 'body.temperature': 'parameter_dropped', 'body.top_p': 'parameter_dropped' },
    ],
    ['claude-opus-4-6', { temperature: 0, reasoning_effort: 'low' }, {}, { 'body.temperature': 'parameter_dropped' }],
  ])('gives %s the sampling it takes: %o', (model, body, sampling, warnings) => {
    const { temperature, top_p } = paramsOf({ model, ...body });

    expect(JSON.parse(JSON.stringify({ temperature, top_p }))).toEqual(sampling);
    expect(warningsOf({ model, ...body })).toEqual(warnings);
  });

  it.each([
    [
      'claude-opus-5-5',
      { reasoning_effort: 'high' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
      {},
    ],
    [
      'claude-opus-5-5',
      { reasoning_effort: 'none' },
      { output_config: { effort: 'low' } },
      { 'body.reasoning_effort': 'parameter_changed' },
    ],
    [
      'claude-opus-4-6',
      { reasoning_effort: 'xhigh' },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
      { 'body.reasoning_effort': 'parameter_changed' },
    ],
    [
      'claude-opus-4-8',
      { reasoning_effort: 'low', tools: [tool], tool_choice: 'required' },
      { output_config: { effort: 'low' } },
      {},
    ],
    ['claude-sonnet-4-5', { reasoning_effort: 'medium' }, { thinking: { type: 'enabled', budget_tokens: 8192 } }, {}],
    [
      'claude-sonnet-4-5',
      { reasoning_effort: 'high', max_tokens: 4000 },
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      {},
    ],
    [
      'claude-sonnet-4-5',
      { reasoning_effort: 'high', max_tokens: 100 },
      {},
      { 'body.reasoning_effort': 'parameter_dropped' },
    ],
    ['claude-sonnet-4-5', { reasoning_effort: 'none' }, {}, {}],
    ['claude-3-5-haiku-20241022', { reasoning_effort: 'low' }, {}, { 'body.reasoning_effort': 'parameter_dropped' }],
    [
      'claude-opus-4-6',
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      {},
    ],
  ])('makes %s reason as asked: %o', (model, body, expected, warnings) => {
    const { thinking, output_config } = paramsOf({ model, ...body });

    expect(JSON.parse(JSON.stringify({ thinking, output_config }))).toEqual(expected);
    expect(warningsOf({ model, ...body })).toEqual(warnings);
  });
});

describe('tools and formats', () => {
  it.each([
    [{}, undefined],
    [{ tool_choice: 'auto' }, { type: 'auto' }],
    [{ tool_choice: 'none', parallel_tool_calls: false }, { type: 'none' }],
    [{ tool_choice: 'required' }, { type: 'any' }],
    [{ tool_choice: { type: 'function', function: { name: 'look_up' } } }, { type: 'tool', name: 'look_up' }],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      { tool_choice: 'required', parallel_tool_calls: false },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{ parallel_tool_calls: true }, undefined],
  ])('chooses tools as %o says', (body, choice) => {
    expect(paramsOf({ tools: [tool], ...body }).tool_choice).toEqual(choice);
  });

  it('keeps schemas and arguments to the digit', () => {
    const text = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"claude-opus-4-6","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\\"n\\": 12345678901234567890, \\"x\\": 1.0}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"n":{"type":"number","maximum":12345678901234567890,"multipleOf":1.0}},"$defs":{"a":{"type":"string"}}}}}]}}`;

    const translated = translate(lineOf(text));

    const bytes = translated.ok ? translated.bytes.toString() : '';
    expect(bytes).toContain('"input":{"n":12345678901234567890,"x":1.0}');
    expect(bytes).toContain('"maximum":12345678901234567890,"multipleOf":1.0}},"$defs":{"a":{"type":"string"}}}');
  });

  it('gives a function without parameters an empty schema', () => {
    expect(paramsOf({ tools: [{ type: 'function', function: { name: 'f' } }] }).tools).toEqual([
      { name: 'f', input_schema: { type: 'object' } },
    ]);
  });

  it('keeps strictness where Anthropic can enforce it', () => {
    const closed = { type: 'object', properties: { a: { type: 'string', enum: ['x'] } }, additionalProperties: false };
    const open = { type: 'object', properties: { a: { type: 'string', minLength: 3 } }, additionalProperties: false };
    const strict = (parameters: object) => ({
      tools: [{ type: 'function', function: { name: 'f', strict: true, parameters } }],
    });

    expect(paramsOf(strict(closed)).tools).toEqual([{ name: 'f', input_schema: closed, strict: true }]);
    expect(paramsOf(strict(open)).tools).toEqual([{ name: 'f', input_schema: open }]);
    expect(warningsOf(strict(closed))).toEqual({});
    expect(warningsOf(strict(open))).toEqual({ 'body.tools[].function.strict': 'parameter_changed' });
  });

  const format = (schema: unknown) => ({
    response_format: { type: 'json_schema', json_schema: { name: 'n', strict: true, schema } },
  });
  it('passes on a schema that fits, without the name of its dialect', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'number', const: 1 } },
      required: ['a'],
      additionalProperties: false,
    };

    expect(
      paramsOf(format({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema })).output_config,
    ).toEqual({
      format: { type: 'json_schema', schema },
    });
    expect(warningsOf(format(schema))).toEqual({});
  });

  it('makes any other schema fit, and says so', () => {
    const body = format({ type: 'object', properties: { a: { type: 'integer', minimum: 3 } } });

    expect(paramsOf(body).output_config).toEqual({
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: { a: { type: 'integer', description: '{minimum: 3}' } },
          additionalProperties: false,
        },
      },
    });
    expect(warningsOf(body)).toEqual({ 'body.response_format.json_schema.schema': 'parameter_changed' });
    expect(errorOf(format({ type: 'object', properties: { a: {} } })).code).toBe('unsupported_parameter');
    expect(errorOf(format('none')).code).toBe('invalid_request');
    expect(paramsOf({ response_format: { type: 'text' } }).output_config).toBeUndefined();
  });
});

describe('lines that are no chat', () => {
  it('keeps the bytes of a line in Anthropic’s form', () => {
    const text = '{ "params": {"max_tokens": 1.0, "model":"team/claude-opus-4-6","messages":[]}, "custom_id" :"a"}';

    const translated = translate(lineOf(text), 'claude-opus-4-6');

    expect(translated.ok && translated.bytes.toString()).toBe(text.replace('"a"', `"${lineId}"`).replace('team/', ''));
  });

  it('unwraps a Messages body that came in OpenAI’s form', () => {
    const text = openAILine('a', { max_tokens: 1, model: 'x/claude-opus-4-6', messages: [] }, '/v1/messages').replace(
      ':1,',
      ':1.0,',
    );

    const translated = translate(lineOf(text), 'claude-opus-4-6');

    expect(translated.ok && translated.bytes.toString()).toBe(
      `{"custom_id":"${lineId}","params":{"max_tokens":1.0,"model":"claude-opus-4-6","messages":[]}}`,
    );
  });

  it.each(['/v1/responses', '/v1/embeddings', '/v1/moderations'])('names what is missing for %s', (url) => {
    const translated = translate(lineOf(openAILine('a', { model: 'claude-opus-4-6' }, url)));

    expect(translated).toMatchObject({ ok: false, error: { code: 'unsupported_endpoint', param: 'url' } });
    expect(!translated.ok && translated.error.message).toContain(url);
  });
});

describe('any body', () => {
  it('is translated or refused, and never throws', () => {
    const part = fc.oneof(
      fc.jsonValue(),
      fc.record({
        type: fc.constantFrom('text', 'image_url', 'file', 'refusal'),
        text: fc.jsonValue(),
        image_url: fc.jsonValue(),
        file: fc.jsonValue(),
      }),
    );
    const message = fc.record({
      role: fc.constantFrom('system', 'user', 'assistant', 'tool', 'constructor', '__proto__'),
      content: fc.oneof(fc.string(), fc.array(part), fc.jsonValue()),
      tool_calls: fc.oneof(fc.constant(null), fc.array(fc.jsonValue())),
      tool_call_id: fc.oneof(fc.constant('id'), fc.jsonValue()),
    });
    const body = fc.record(
      {
        messages: fc.oneof(fc.array(message), fc.jsonValue()),
        tools: fc.oneof(fc.jsonValue(), fc.array(fc.record({ function: fc.jsonValue() }))),
        tool_choice: fc.jsonValue(),
        response_format: fc.oneof(
          fc.jsonValue(),
          fc.record({ type: fc.constant('json_schema'), json_schema: fc.record({ schema: fc.jsonValue() }) }),
        ),
        reasoning_effort: fc.jsonValue(),
        temperature: fc.jsonValue(),
        stop: fc.jsonValue(),
        max_tokens: fc.jsonValue(),
        user: fc.jsonValue(),
        anything: fc.jsonValue(),
      },
      { requiredKeys: ['messages'] },
    );
    fc.assert(
      fc.property(body, (value) => {
        const translated = translate(lineOf(openAILine('a', { ...value, model: 'claude-opus-4-6' })));
        if (translated.ok) expect(sent(translated).custom_id).toBe(lineId);
        else expect(translated.error.param).toMatch(/^body\./);
      }),
      { numRuns: runs(500) },
    );
  });

  it('is refused where it is nested too deeply', () => {
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    const text = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"claude-opus-4-6","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${deep}}}]}}`;

    expect(translate(lineOf(text))).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });
});
