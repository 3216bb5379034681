import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providers } from '../../lib/providers/registry.ts';
import { connect, ended, resultsOf, sendingOfBodies, submit } from './support/connected-provider.ts';
import { lineId, lineOf, openAILine, resultLine, sent } from './support/lines.ts';

const model = 'gemini-2.5-flash';
const ask = (content: unknown) => [{ role: 'user', content }];

function translate(body: object, kind: 'gemini' | 'vertex' = 'gemini', url?: string) {
  const line = lineOf(openAILine('mine', { model, messages: ask('Hello'), ...body }, url));
  return providers[kind].translateRequest(line, { lineId, model: line.model });
}

/** The request within a translated line. */
function requestOf(body: object, kind: 'gemini' | 'vertex' = 'gemini'): Record<string, unknown> {
  return sent(translate(body, kind)).request as Record<string, unknown>;
}

function warned(body: object, kind: 'gemini' | 'vertex' = 'gemini'): string[] {
  const translated = translate(body, kind);
  if (!translated.ok) throw new Error(translated.error.message);
  return translated.warnings.map(({ param }) => param);
}

const tools = [
  {
    type: 'function',
    function: { name: 'look_up', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  },
  { type: 'function', function: { name: 'g' } },
];
const calls = [
  { id: 'c1', type: 'function', function: { name: 'look_up', arguments: '{"a":12345678901234567890}' } },
  { id: 'c2', type: 'function', function: { name: 'g', arguments: '' } },
];
const toolTalk = [
  ...ask('x'),
  { role: 'assistant', content: 'Let me see.', tool_calls: calls },
  { role: 'tool', tool_call_id: 'c1', content: 'one' },
  { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'two' }] },
  ...ask('And?'),
];

describe('a chat completion for Gemini', () => {
  it('becomes contents and a configuration', () => {
    const body = {
      messages: [{ role: 'system', content: 'Be brief.' }, { role: 'developer', content: 'Really.' }, ...ask('Hi')],
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      n: 2,
      stop: 'END',
      presence_penalty: 1,
      frequency_penalty: -1,
      logprobs: true,
      top_logprobs: 3,
      response_format: { type: 'json_object' },
    };

    expect(sent(translate(body))).toEqual({
      key: lineId,
      request: {
        systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Really.' }] },
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        generationConfig: {
          maxOutputTokens: 9,
          temperature: 0.5,
          topP: 0.9,
          seed: 7,
          candidateCount: 2,
          stopSequences: ['END'],
          responseLogprobs: true,
          logprobs: 3,
          responseMimeType: 'application/json',
        },
      },
    });
  });

  it('keeps calls and results together, with their ids and the numbers as they were written', () => {
    const translated = translate({ messages: toolTalk, tools });
    const { contents } = requestOf({ messages: toolTalk, tools }) as { contents: { role: string; parts: object[] }[] };

    expect(contents.map(({ role, parts }) => [role, parts.length])).toEqual([
      ['user', 1],
      ['model', 3],
      ['user', 2],
      ['user', 1],
    ]);
    expect(contents[2]?.parts).toEqual([
      { functionResponse: { id: 'c1', name: 'look_up', response: { output: 'one' } } },
      { functionResponse: { id: 'c2', name: 'g', response: { output: 'two' } } },
    ]);
    expect(translated.ok && translated.bytes.toString()).toContain('"args":{"a":12345678901234567890}');
  });

  it('signs calls for models that want it, with the signature that came with them where there is one', () => {
    const signed = [{ ...calls[0], extra_content: { google: { thought_signature: 'c2lnbmVk' } } }];
    const talk = (own: object[]) => [
      ...ask('x'),
      { role: 'assistant', tool_calls: own },
      { role: 'tool', tool_call_id: 'c1', content: '1' },
    ];
    const partOf = (own: object[], name: string) => {
      const { contents } = requestOf({ model: name, messages: talk(own), tools }) as {
        contents: { parts: object[] }[];
      };
      return contents[1]?.parts[0];
    };

    expect(partOf(signed, 'gemini-3-pro-preview')).toMatchObject({ thoughtSignature: 'c2lnbmVk' });
    expect(partOf(calls.slice(0, 1), 'gemini-3-pro-preview')).toMatchObject({
      thoughtSignature: expect.stringMatching(/^skip/),
    });
    expect(partOf(calls.slice(0, 1), model)).not.toHaveProperty('thoughtSignature');
  });

  it.each([
    ['auto', { mode: 'AUTO' }],
    ['none', { mode: 'NONE' }],
    ['required', { mode: 'ANY' }],
    [
      { type: 'function', function: { name: 'g' } },
      { mode: 'ANY', allowedFunctionNames: ['g'] },
    ],
  ])('chooses tools: %j', (choice, expected) => {
    expect(requestOf({ tools, tool_choice: choice }).toolConfig).toEqual({ functionCallingConfig: expected });
  });

  it.each([
    ['gemini-2.5-flash', 'none', { thinkingBudget: 0 }],
    ['gemini-2.5-pro', 'none', { thinkingBudget: 128 }],
    ['gemini-2.5-pro', 'high', { thinkingBudget: 24_576 }],
    ['gemini-3-pro-preview', 'minimal', { thinkingLevel: 'LOW' }],
    ['gemini-3-flash', 'minimal', { thinkingLevel: 'MINIMAL' }],
    ['gemini-flash-latest', 'medium', { thinkingLevel: 'MEDIUM' }],
    ['gemini-2.0-flash', 'high', undefined],
  ])('tells %s to think: %s', (name, effort, expected) => {
    const { generationConfig } = requestOf({ model: name, reasoning_effort: effort }) as {
      generationConfig?: { thinkingConfig?: object };
    };

    expect(generationConfig?.thinkingConfig).toEqual(expected);
  });

  it('warns of top_logprobs that stands alone', () => {
    expect(warned({ top_logprobs: 3 })).toEqual(['body.top_logprobs']);
    expect(warned({ top_logprobs: 0 })).toEqual([]);
  });

  it.each([
    '"messages":[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"1.0"}}]}]',
    '"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":1.0}}]',
    '"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":1.0}}',
  ])('refuses a number where an object belongs, however it is spelled: %s', (members) => {
    const line = `{"custom_id":"mine","method":"POST","url":"/v1/chat/completions","body":{"model":"${model}",${members}}}`;
    const translated = providers.gemini.translateRequest(lineOf(line), { lineId, model });

    expect(translated).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });

  it('takes files as data, and by URL what each of the two APIs can read', () => {
    const image = (url: string) => ({ messages: ask([{ type: 'image_url', image_url: { url } }]) });
    const partOf = (url: string, kind: 'gemini' | 'vertex') => requestOf(image(url), kind).contents;

    expect(partOf('data:image/png;base64,AAAA', 'gemini')).toEqual([
      { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
    ]);
    expect(partOf('https://example.com/a.png?x=1', 'vertex')).toEqual([
      { role: 'user', parts: [{ fileData: { mimeType: 'image/png', fileUri: 'https://example.com/a.png?x=1' } }] },
    ]);
    expect(partOf('https://example.com/a.jpg?X-Amz-Signature=0', 'gemini')).toEqual([
      {
        role: 'user',
        parts: [{ fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.com/a.jpg?X-Amz-Signature=0' } }],
      },
    ]);
    for (const kind of ['gemini', 'vertex'] as const)
      expect(translate(image('https://example.com/a'), kind)).toMatchObject({
        ok: false,
        error: { code: 'unsupported_parameter' },
      });
    expect(translate(image('gs://bucket/a.png'))).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });

  it('warns of what is left out, by its name', () => {
    const body = {
      user: 'u',
      logit_bias: { 1: 2 },
      metadata: { a: 'b' },
      store: true,
      parallel_tool_calls: false,
      seed: 2 ** 40,
      made_up: 1,
    };

    expect(warned(body).sort()).toEqual(
      [
        'body.user',
        'body.logit_bias',
        'body.metadata',
        'body.store',
        'body.parallel_tool_calls',
        'body.seed',
        'body.made_up',
      ].sort(),
    );
    expect(warned({ store: false, logit_bias: {}, service_tier: 'auto' })).toEqual([]);
  });

  it.each([
    [{ audio: { voice: 'x' } }, 'body.audio'],
    [{ functions: [{}] }, 'body.functions'],
    [{ temperature: 3 }, 'body.temperature'],
    [{ n: 1.5 }, 'body.n'],
    [{ messages: [] }, 'body.messages'],
    [{ messages: [{ role: 'tool', tool_call_id: 'nobody', content: '' }] }, 'body.messages[0].tool_call_id'],
    [{ tool_choice: 'required' }, 'body.tools'],
  ])('refuses %j and names it', (body, param) => {
    expect(translate(body)).toMatchObject({ ok: false, error: { param } });
  });
});

describe('embeddings', () => {
  const embed = (body: object) => translate({ messages: undefined, ...body }, 'gemini', '/v1/embeddings');

  it('go one text in a line', () => {
    expect(sent(embed({ input: ['Hello'], dimensions: 8 }))).toEqual({
      key: lineId,
      request: { content: { parts: [{ text: 'Hello' }] }, outputDimensionality: 8 },
    });
  });

  it.each([{ input: ['a', 'b'] }, { input: [1, 2] }, { input: 'a', encoding_format: 'base64' }, { input: '' }])(
    'refuse %j',
    (body) => {
      expect(embed(body)).toMatchObject({ ok: false });
    },
  );
});

describe('Claude on Vertex', () => {
  const native = '{"custom_id":"mine","params":{"model":"claude-sonnet-4-5","max_tokens":5,"top_k":1.0,"messages":[]}}';

  it('gets Messages in their own bytes, without a model and with a version', () => {
    const line = lineOf(native);
    const translated = providers.vertex.translateRequest(line, { lineId, model: line.model });

    expect(translated.ok && translated.bytes.toString()).toBe(
      `{"custom_id":"${lineId}","request":{"anthropic_version":"vertex-2023-10-16","max_tokens":5,"top_k":1.0,"messages":[]}}`,
    );
  });

  it('refuses models whose requests are not known', () => {
    expect(translate({ model: 'llama-4' }, 'vertex')).toMatchObject({
      ok: false,
      error: { code: 'unsupported_model' },
    });
  });
});

describe.each(['gemini', 'vertex'] as const)('%s', (kind) => {
  it('gets nothing from a translation that it would refuse', async () => {
    const format = {
      type: 'json_schema',
      json_schema: { name: 'n', schema: { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } } },
    };
    const shared = {
      messages: ask('x'),
      temperature: 0.2,
      top_p: 0.9,
      presence_penalty: 2,
      seed: 1,
      stop: ['A', 'B', 'C', 'D'],
    };
    const bodies = [
      shared,
      { ...shared, reasoning_effort: 'none' },
      { ...shared, reasoning_effort: 'max', n: 2, logprobs: true, top_logprobs: 2 },
      { ...shared, logprobs: true },
      { ...shared, response_format: format },
      { ...shared, response_format: { type: 'json_object' } },
      { ...shared, tools, tool_choice: 'required' },
      { ...shared, tools, tool_choice: { type: 'function', function: { name: 'g' } } },
      { messages: toolTalk, tools },
      {
        messages: ask([
          { type: 'text', text: 'See:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0x' } },
          { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
        ]),
      },
    ];
    const connection = await connect(kind);
    const sending = sendingOfBodies(kind, bodies);

    const batch = await ended(connection, await submit(connection, sending));
    const results = await resultsOf(kind, connection, batch, sending);

    const refused = results
      .filter((result) => result.kind !== 'answered' || !result.succeeded)
      .map((result) => (result.kind === 'answered' ? resultLine(result) : result));
    expect(refused).toEqual([]);
    expect(results).toHaveLength(bodies.length);
  });

  it('neither throws nor loses an id, however odd the body is', () => {
    const odd = fc.dictionary(
      fc.constantFrom(
        'messages',
        'tools',
        'tool_choice',
        'response_format',
        'stop',
        'n',
        'seed',
        'logprobs',
        'reasoning_effort',
        'max_tokens',
        'other',
      ),
      fc.oneof(
        fc.jsonValue(),
        fc.array(fc.record({ role: fc.constantFrom('user', 'assistant', 'tool', 'system'), content: fc.jsonValue() })),
      ),
    );

    fc.assert(
      fc.property(odd, (body) => {
        const translated = translate(body, kind);
        if (translated.ok) expect(Object.values(sent(translated))[0]).toBe(lineId);
        else expect(translated.error).toMatchObject({ code: expect.any(String), param: expect.any(String) });
      }),
    );
  });
});

it('answers for Claude on Vertex in the form of the request', async () => {
  const connection = await connect('vertex');
  const sending = {
    ...sendingOfBodies('vertex', [
      { model: 'claude-sonnet-4-5', max_tokens: 9, messages: ask('Hi') },
      { model: 'claude-sonnet-4-5', max_tokens: 9, messages: ask('[[rate-limit]]') },
    ]),
    model: 'claude-sonnet-4-5',
  };

  const batch = await ended(connection, await submit(connection, sending));
  const results = await resultsOf('vertex', connection, batch, sending);

  const lines = results
    .map(resultLine)
    .sort((left, right) => String(left.custom_id).localeCompare(String(right.custom_id)));
  expect(lines).toMatchObject([
    {
      custom_id: 'line-0',
      response: { status_code: 200, body: { object: 'chat.completion', model: 'claude-sonnet-4-5' } },
    },
    { custom_id: 'line-1', response: { status_code: 429 }, error: { attempts: 1 } },
  ]);
});

it('answers a Messages line with a Message, be its model Claude or Gemini', async () => {
  const connection = await connect('vertex');

  for (const model of ['gemini-2.5-flash', 'claude-sonnet-4-5']) {
    const bodies = ['Hi', '[[refuse]]'].map((text) => ({ model, max_tokens: 9, messages: ask(text) }));
    const sending = { ...sendingOfBodies('vertex', bodies, '/v1/messages'), model };
    const batch = await ended(connection, await submit(connection, sending));
    const lines = (await resultsOf('vertex', connection, batch, sending)).map(resultLine);

    expect(lines).toHaveLength(2);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          custom_id: 'line-0',
          response: expect.objectContaining({ body: expect.objectContaining({ type: 'message', model }) }),
        }),
        expect.objectContaining({ custom_id: 'line-1', response: expect.objectContaining({ status_code: 400 }) }),
      ]),
    );
  }
});

describe('the schema of an answer', () => {
  const configOf = (schema: object) =>
    requestOf(
      { messages: ask('x'), response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } },
      'gemini',
    ).generationConfig;

  it('goes as responseSchema, which batches hold models to', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {
        name: { type: ['string', 'null'], maxLength: 9 },
        kinds: { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, minItems: 1 },
        size: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'boolean' }] },
      },
      required: ['name'],
      additionalProperties: false,
    };

    expect(configOf(schema)).toEqual({
      responseMimeType: 'application/json',
      responseSchema: {
        type: 'OBJECT',
        properties: {
          name: { type: 'STRING', nullable: true, maxLength: 9 },
          kinds: { type: 'ARRAY', items: { type: 'STRING', enum: ['a', 'b'] }, minItems: 1 },
          size: { anyOf: [{ type: 'INTEGER', minimum: 1 }, { type: 'BOOLEAN' }] },
        },
        required: ['name'],
        propertyOrdering: ['name', 'kinds', 'size'],
      },
    });
  });

  it.each([
    { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } },
    { type: 'object', additionalProperties: { type: 'string' } },
    { type: 'number', enum: [1, 2] },
    { type: ['string', 'number'] },
    { oneOf: [{ type: 'string' }] },
    { type: 'object', properties: { a: { type: 'string', format: 'email' } } },
    { type: 'object', properties: {} },
    { type: 'object' },
    { properties: { a: { type: 'string' } } },
    { type: 'array' },
  ])('that says more goes as it is, with a warning: %j', (schema) => {
    expect(configOf(schema)).toEqual({ responseMimeType: 'application/json', responseJsonSchema: schema });
    const format = { type: 'json_schema', json_schema: { name: 'n', schema } };
    expect(warned({ response_format: format })).toEqual(['body.response_format.json_schema.schema']);
  });
});
