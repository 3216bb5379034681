import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestLine } from '../../lib/lines/request-line.ts';
import type { TranslatedRequest } from '../../lib/providers/contract.ts';
import { translateRequest } from '../../lib/providers/mistral/request.ts';
import { runs } from '../seed.ts';
import { connect, ended, resultsOf, sendingOfBodies, submit } from './support/connected-provider.ts';
import { lineId, lineOf, openAILine, resultLine, sent } from './support/lines.ts';

const model = 'mistral-small-latest';
const question = [{ role: 'user', content: 'Hello' }];

function translate(line: RequestLine): TranslatedRequest {
  return translateRequest(line, { lineId, model: line.model });
}

function chat(body: object): TranslatedRequest {
  return translate(lineOf(openAILine('mine', { model, messages: question, ...body })));
}

function bodyOf(translated: TranslatedRequest): unknown {
  return sent(translated).body;
}

function warned(translated: TranslatedRequest): unknown {
  return translated.ok && translated.warnings.map(({ param, code }) => [param, code]);
}

function refused(translated: TranslatedRequest): unknown {
  return translated.ok ? null : [translated.error.code, translated.error.param];
}

const pdf = 'JVBERi0x';

function saying(part: object): object {
  return { messages: [{ role: 'user', content: [part] }] };
}

function weather(parameters: object | undefined): object {
  return { type: 'function', function: { name: 'weather', ...(parameters && { parameters }) } };
}

describe('a chat line', () => {
  it('becomes our id and the body without its model', () => {
    expect(sent(chat({ top_p: 0.9, stop: ['END'], n: 2 }))).toEqual({
      custom_id: lineId,
      body: { messages: question, top_p: 0.9, stop: ['END'], n: 2 },
    });
  });

  it('gets the names that Mistral has', () => {
    const translated = chat({ seed: 7, max_completion_tokens: 20, prediction: { type: 'content', content: 'x' } });
    expect(bodyOf(translated)).toEqual({
      messages: question,
      random_seed: 7,
      prediction: { type: 'content', content: 'x' },
      max_tokens: 20,
    });
    expect(warned(translated)).toEqual([]);
  });

  it('keeps what only Mistral has', () => {
    const own = { random_seed: 1, safe_prompt: true, prompt_mode: 'reasoning', guardrails: [] };
    expect(bodyOf(chat(own))).toEqual({ messages: question, ...own });
  });

  it('keeps its numbers as they were written', () => {
    const schema = '{"type":"object","properties":{"a":{"maximum":12345678901234567890,"minimum":1.0}}}';
    const text = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"${model}","messages":[{"role":"user","content":"x"}],"temperature":0.50,"seed":12345678901234567890,"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":${schema}}}}}`;
    const translated = translate(lineOf(text));
    const bytes = translated.ok ? translated.bytes.toString() : '';
    expect(bytes.split(schema)).toHaveLength(3);
    expect(bytes).toContain('"temperature":0.50');
    expect(bytes).toContain('"random_seed":12345678901234567890');
  });

  it.each([
    [{ user: 'u' }, 'body.user', 'parameter_dropped'],
    [{ logit_bias: { 1: 2 } }, 'body.logit_bias', 'parameter_dropped'],
    [{ store: true }, 'body.store', 'parameter_dropped'],
    [{ service_tier: 'priority' }, 'body.service_tier', 'parameter_dropped'],
    [{ seed: -1 }, 'body.seed', 'parameter_dropped'],
    [{ max_tokens: 5, max_completion_tokens: 6 }, 'body.max_tokens', 'parameter_dropped'],
    [{ whatever: 1 }, 'body.whatever', 'parameter_dropped'],
    [{ temperature: 1.8 }, 'body.temperature', 'parameter_changed'],
    [{ reasoning_effort: 'max' }, 'body.reasoning_effort', 'parameter_changed'],
    [{ messages: [{ role: 'user', content: 'x', name: 'n' }] }, 'body.messages[].name', 'parameter_dropped'],
    [{ seed: 1, random_seed: 2 }, 'body.random_seed', 'parameter_dropped'],
    [{ random_seed: 2, seed: 1 }, 'body.random_seed', 'parameter_dropped'],
    [saying({ type: 'file', file: { file_data: pdf, x: 1 } }), 'body.messages[].content[].file.x', 'parameter_dropped'],
    [
      saying({ type: 'file', file: { file_data: pdf, file_id: 'a' } }),
      'body.messages[].content[].file.file_id',
      'parameter_dropped',
    ],
    [
      saying({ type: 'file', file: { file_data: pdf }, file_id: 'a' }),
      'body.messages[].content[].file_id',
      'parameter_dropped',
    ],
    [
      saying({ type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav', x: 1 } }),
      'body.messages[].content[].input_audio.x',
      'parameter_dropped',
    ],
  ])('warns of what Mistral does not take: %j', (body, param, code) => {
    expect(warned(chat(body))).toEqual([[param, code]]);
  });

  it.each([{ user: null }, { store: false }, { service_tier: 'auto' }, { logprobs: false }, { modalities: ['text'] }])(
    'says nothing of what asks for nothing: %j',
    (body) => {
      expect(warned(chat(body))).toEqual([]);
      expect(bodyOf(chat(body))).toEqual({ messages: question });
    },
  );

  it.each([
    [{ logprobs: true }, 'unsupported_parameter', 'body.logprobs'],
    [{ modalities: ['audio'] }, 'unsupported_parameter', 'body.modalities'],
    [{ functions: [{}] }, 'unsupported_parameter', 'body.functions'],
    [{ tools: [{ type: 'custom', custom: { name: 'c' } }] }, 'unsupported_parameter', 'body.tools[0]'],
    [
      { tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } } },
      'unsupported_parameter',
      'body.tool_choice',
    ],
    [{ tool_choice: 'perhaps' }, 'invalid_request', 'body.tool_choice'],
    [{ max_tokens: 0 }, 'invalid_request', 'body.max_tokens'],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'n' } } },
      'invalid_request',
      'body.response_format.json_schema.schema',
    ],
    [{ messages: [] }, 'invalid_request', 'body.messages'],
    [{ messages: [{ role: 'function', content: 'x' }] }, 'unsupported_parameter', 'body.messages[0]'],
    [{ messages: [{ role: 'user' }] }, 'invalid_request', 'body.messages[0].content'],
  ])('is refused where it cannot be expressed: %j', (body, code, param) => {
    expect(refused(chat(body))).toEqual([code, param]);
  });

  it('keeps its tools, and gives a function without parameters an empty schema', () => {
    const translated = chat({ tools: [weather(undefined)], tool_choice: 'required', parallel_tool_calls: false });
    expect(bodyOf(translated)).toMatchObject({
      tools: [weather({ type: 'object', properties: {} })],
      tool_choice: 'required',
      parallel_tool_calls: false,
    });
  });

  it('gives calls of tools and their results the same short ids', () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: 'weather', arguments: '{}' } });
    const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'sunny' });
    const ids = ['call_abcdefghijklmnop', 'call_zyxwvutsrqponml', 'aB3dE5gH9'];
    const messages = [...question, { role: 'assistant', tool_calls: ids.map(call) }, ...ids.toReversed().map(result)];
    const { messages: given } = bodyOf(chat({ messages })) as {
      messages: { tool_calls: { id: string }[]; tool_call_id: string }[];
    };
    const sentIds = given[1]?.tool_calls.map(({ id }) => id) ?? [];
    for (const id of sentIds) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(new Set(sentIds).size).toBe(3);
    expect(sentIds[2]).toBe('aB3dE5gH9');
    expect(given.slice(2).map((message) => message.tool_call_id)).toEqual(sentIds.toReversed());
  });

  it('translates what a user sends beside text', () => {
    const parts = [
      { type: 'text', text: 'See' },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
      { type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'JVBERi0x' } },
      { type: 'document_url', document_url: 'https://example.com/a.pdf' },
    ];
    expect(bodyOf(chat({ messages: [{ role: 'user', content: parts }] }))).toEqual({
      messages: [
        {
          role: 'user',
          content: [
            parts[0],
            parts[1],
            { type: 'input_audio', input_audio: 'QUJD' },
            { type: 'document_url', document_url: 'data:application/pdf;base64,JVBERi0x', document_name: 'a.pdf' },
            parts[4],
          ],
        },
      ],
    });
    const stored = chat({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-abc' } }] }] });
    expect(refused(stored)).toEqual(['unsupported_parameter', 'body.messages[0].content[0].file.file_id']);
  });

  it('names a file that Mistral keeps, in either form, without a warning', () => {
    for (const part of [
      { type: 'file', file: { file_id: 'a1' } },
      { type: 'file', file_id: 'a1' },
    ]) {
      expect(bodyOf(chat(saying(part)))).toEqual(saying({ type: 'file', file_id: 'a1' }));
      expect(warned(chat(saying(part)))).toEqual([]);
    }
  });

  it('keeps the thoughts of an assistant, numbers as they were written', () => {
    const thinking = '{"type":"thinking","thinking":[{"type":"reference","reference_ids":[12345678901234567890]}]}';
    const text = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"${model}","messages":[{"role":"user","content":"x"},{"role":"assistant","content":[${thinking},{"type":"text","text":"y"}]}]}}`;
    const translated = translate(lineOf(text));
    expect(translated.ok && translated.bytes.toString()).toContain(
      `"content":[${thinking},{"type":"text","text":"y"}]`,
    );
  });

  it('makes developers and refusals what Mistral has for them', () => {
    const messages = [
      { role: 'developer', content: 'Be brief.' },
      { role: 'assistant', content: null, refusal: 'No.' },
      ...question,
    ];
    expect(bodyOf(chat({ messages }))).toEqual({
      messages: [{ role: 'system', content: 'Be brief.' }, { role: 'assistant', content: 'No.' }, ...question],
    });
  });
});

describe('a line of texts', () => {
  const line = (url: string, body: object) => translate(lineOf(openAILine('mine', { model, ...body }, url)));

  it('is embedded in as many dimensions as it asks for', () => {
    const body = { input: ['a', 'b'], dimensions: 8, encoding_format: 'float', user: 'u' };
    const translated = line('/v1/embeddings', body);
    expect(bodyOf(translated)).toEqual({ input: ['a', 'b'], output_dimension: 8, encoding_format: 'float' });
    expect(warned(translated)).toEqual([['body.user', 'parameter_dropped']]);
  });

  it('is warned about where it asks for dimensions twice', () => {
    const translated = line('/v1/embeddings', { input: 'a', dimensions: 8, output_dimension: 9 });
    expect(bodyOf(translated)).toEqual({ input: 'a', output_dimension: 8 });
    expect(warned(translated)).toEqual([['body.output_dimension', 'parameter_dropped']]);
  });

  it('is judged', () => {
    expect(bodyOf(line('/v1/moderations', { input: 'a' }))).toEqual({ input: 'a' });
  });

  it.each(['/v1/embeddings', '/v1/moderations'])('is refused in any other form: %s', (url) => {
    expect(refused(line(url, { input: [[1, 2]] }))).toEqual(['unsupported_parameter', 'body.input']);
  });

  it('is refused at any other endpoint', () => {
    expect(refused(line('/v1/responses', { input: 'a' }))).toEqual(['unsupported_endpoint', 'url']);
  });
});

describe('any line', () => {
  it('is translated or refused, and never loses its id', () => {
    const odd = fc.jsonValue();
    const part = fc.record({
      type: fc.constantFrom('text', 'image_url', 'file', 'input_audio', 'refusal', 'thinking'),
      text: odd,
      image_url: fc.oneof(odd, fc.record({ url: odd, detail: odd })),
      file: fc.oneof(odd, fc.record({ file_data: odd, file_id: odd })),
      input_audio: odd,
    });
    const message = fc.record({
      role: fc.constantFrom('system', 'user', 'assistant', 'tool', 'constructor', '__proto__'),
      content: fc.oneof(fc.string(), fc.array(part), odd),
      tool_calls: fc.oneof(fc.constant(null), fc.array(fc.oneof(odd, fc.record({ id: odd, function: odd })))),
      tool_call_id: fc.oneof(fc.constant('id'), odd),
    });
    const names = ['tools', 'tool_choice', 'response_format', 'prediction', 'seed', 'temperature', 'stop', 'user'];
    const others = fc.dictionary(fc.constantFrom(...names, 'max_tokens', 'constructor', 'toString', '__proto__'), odd);
    fc.assert(
      fc.property(fc.oneof(fc.array(message), odd), others, (messages, more) => {
        const translated = chat({ ...more, messages });
        if (translated.ok) expect(sent(translated).custom_id).toBe(lineId);
        else expect(translated.error.param).toMatch(/^body\./);
      }),
      { numRuns: runs(500) },
    );
  });

  it('is refused where it is nested too deeply', () => {
    const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    const text = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"${model}","messages":[{"role":"user","content":"x"}],"metadata":${deep}}}`;
    expect(refused(translate(lineOf(text)))).toEqual(['invalid_request', 'body']);
  });
});

it('gets nothing from a translation that the simulator would refuse', async () => {
  const calls = [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"a":1}' } }];
  const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
  const tools = [weather(schema), weather(undefined)];
  const pdf = { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0x' } };
  const bodies = [
    { messages: question, temperature: 1.9, top_p: 0.9, seed: 3, n: 2, presence_penalty: 1, user: 'u' },
    { messages: question, reasoning_effort: 'max' },
    { messages: question, tools, tool_choice: { type: 'function', function: { name: 'weather' } } },
    { messages: question, response_format: { type: 'json_schema', json_schema: { name: 'n', strict: true, schema } } },
    { messages: question, response_format: { type: 'json_object' }, prediction: { type: 'content', content: 'x' } },
    { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, pdf] }] },
    {
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
        ...question,
        { role: 'assistant', content: null, tool_calls: calls },
        { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      ],
      tools,
      stop: 'END',
    },
  ];
  const connection = await connect('mistral');
  const sending = sendingOfBodies('mistral', bodies);

  const batch = await ended(connection, await submit(connection, sending));
  const results = await resultsOf('mistral', connection, batch, sending);

  expect(
    results.flatMap((result) => (result.kind === 'answered' && !result.succeeded ? [resultLine(result)] : [])),
  ).toEqual([]);
  expect(results).toHaveLength(bodies.length);
});
