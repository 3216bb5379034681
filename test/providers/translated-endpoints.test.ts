import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequestLine } from '../../lib/lines/request-line.ts';
import { providerKinds } from '../../lib/providers/config.ts';
import { openai } from '../../lib/providers/openai/provider.ts';
import { ownEndpoint } from '../../lib/providers/own-endpoint.ts';
import { providers } from '../../lib/providers/registry.ts';
import { withTranslatedEndpoints } from '../../lib/providers/shared/forms/translated-endpoints.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import { runs } from '../seed.ts';
import { answered, lineId, lineOf, openAILine, resultLine, sent } from './support/lines.ts';

/** OpenAI as it would be with nothing but chat completions: what it gets is the chat completion itself. */
const chatOnly = withTranslatedEndpoints({ ...openai, endpoints: ['/v1/chat/completions'] });
const target = { lineId, model: 'gpt-5-mini' };

function native(params: object): string {
  return JSON.stringify({ custom_id: 'mine', params: { model: 'gpt-5-mini', max_tokens: 100, ...params } });
}

function responses(body: object): string {
  return openAILine('mine', { model: 'gpt-5-mini', input: 'Hello', ...body }, '/v1/responses');
}

function chatOf(text: string): JsonObject {
  const { body } = sent(chatOnly.translateRequest(lineOf(text), target));
  if (!isObject(body)) throw new Error('no body');
  return body;
}

function saidOf(text: string): unknown {
  const translated = chatOnly.translateRequest(lineOf(text), target);
  return translated.ok ? translated.warnings.map(({ param }) => param) : [translated.error.param];
}

function isRefused(text: string): boolean {
  return !chatOnly.translateRequest(lineOf(text), target).ok;
}

const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });

describe('endpoints that a provider has not itself', () => {
  it.each(providerKinds)('are there through the chat completions of %s', (kind) => {
    const { endpoints } = providers[kind];
    expect(new Set(endpoints).size).toBe(endpoints.length);
    if (endpoints.includes('/v1/chat/completions'))
      expect(endpoints).toEqual(expect.arrayContaining(['/v1/responses', '/v1/messages']));
  });

  it('leave the own ones alone, to the byte', () => {
    const line = lineOf(
      '{"custom_id": "mine",  "method":"POST","url":"/v1/responses","body":{"model":"gpt-5-mini","n":1.0}}',
    );
    expect(providers.openai.passesThrough(line)).toBe(true);
    expect(providers.openai.translateRequest(line, target)).toEqual(openai.translateRequest(line, target));
    expect(providers.openai.passesThrough(lineOf(native(user('Hi'))))).toBe(false);
  });

  it('are sent in batches of chat completions', () => {
    for (const endpoint of ['/v1/messages', '/v1/chat/completions'] as const)
      expect(ownEndpoint(providers.openai, { endpoint, model: 'm' })).toBe('/v1/chat/completions');
    expect(ownEndpoint(providers.groq, { endpoint: '/v1/responses', model: 'm' })).toBe('/v1/chat/completions');
    expect(ownEndpoint(providers.openai, { endpoint: '/v1/responses', model: 'm' })).toBe('/v1/responses');
  });
});

describe('a Messages request as a chat completion', () => {
  it('keeps everything that both can say', () => {
    const request = native({
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            {
              type: 'document',
              title: 'a.pdf',
              source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
            },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Wait' },
            { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: '42' }] },
      ],
      tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
      tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      stop_sequences: ['END'],
      temperature: 0.5,
      top_p: 0.9,
      output_config: {
        effort: 'high',
        format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false } },
      },
      metadata: { user_id: 'u' },
    });
    expect(saidOf(request)).toEqual([]);
    expect(chatOf(request)).toEqual({
      model: 'gpt-5-mini',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
          ],
        },
        {
          role: 'assistant',
          content: 'Wait',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: '42' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      parallel_tool_calls: false,
      max_completion_tokens: 100,
      stop: ['END'],
      temperature: 0.5,
      top_p: 0.9,
      reasoning_effort: 'high',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'object', additionalProperties: false }, strict: true },
      },
      user: 'u',
    });
  });

  it.each<[string, object, string[]]>([
    ['top_k', { ...user('Hi'), top_k: 5 }, ['params.top_k']],
    [
      'a thinking budget',
      { ...user('Hi'), thinking: { type: 'enabled', budget_tokens: 9000 } },
      ['params.thinking.budget_tokens'],
    ],
    [
      'a cache breakpoint',
      { ...user([{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }]) },
      ['params.messages[].content[].cache_control'],
    ],
    [
      'a beginning of the answer',
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: '{' },
        ],
      },
      ['params.messages[1]'],
    ],
    [
      'an image in the result of a tool',
      user([
        {
          type: 'tool_result',
          tool_use_id: 'a',
          content: [{ type: 'image', source: { type: 'url', url: 'https://a.b' } }],
        },
      ]),
      ['params.messages[].content[].content'],
    ],
    [
      'a schema that is not closed',
      { ...user('Hi'), output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } },
      ['params.output_config.format.schema'],
    ],
    [
      'earlier thinking',
      {
        messages: [
          ...user('a').messages,
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 't', signature: 's' },
              { type: 'text', text: 'b' },
            ],
          },
          ...user('c').messages,
        ],
      },
      ['params.messages[].content[].thinking'],
    ],
  ])('warns of %s', (_what, params, warned) => {
    expect(isRefused(native(params))).toBe(false);
    expect(saidOf(native(params))).toEqual(warned);
  });

  it.each<[string, object, string]>([
    [
      'a tool of the provider',
      { ...user('Hi'), tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      'params.tools[0].type',
    ],
    ['a place of work', { ...user('Hi'), inference_geo: 'eu' }, 'params.inference_geo'],
    ['a container', { ...user('Hi'), container: 'c' }, 'params.container'],
    [
      'a file kept elsewhere',
      user([{ type: 'image', source: { type: 'file', file_id: 'f' } }]),
      'params.messages[0].content[0].source.file_id',
    ],
    [
      'a PDF by URL',
      user([{ type: 'document', source: { type: 'url', url: 'https://a.b' } }]),
      'params.messages[0].content[0].source',
    ],
    ['a search result', user([{ type: 'search_result' }]), 'params.messages[0].content[0].type'],
    ['no messages', {}, 'params.messages'],
  ])('refuses %s', (_what, params, param) => {
    expect(isRefused(native(params))).toBe(true);
    expect(saidOf(native(params))).toEqual([param]);
  });
});

describe('a Responses request as a chat completion', () => {
  it('keeps everything that both can say', () => {
    const request = responses({
      instructions: 'Be brief.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look' },
            { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'low' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
            { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } },
          ],
        },
        {
          type: 'message',
          role: 'assistant',
          id: 'm',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Wait', annotations: [] }],
        },
        { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"x": 1.0}' },
        { type: 'function_call', call_id: 'b', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: '42' },
        { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: '43' }] },
      ],
      tools: [
        { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: false },
        { type: 'custom', name: 'g', format: { type: 'grammar', syntax: 'lark', definition: 'x' } },
      ],
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
      parallel_tool_calls: false,
      reasoning: { effort: 'low' },
      text: { format: { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      max_output_tokens: 9,
      include: ['message.output_text.logprobs'],
      top_logprobs: 2,
      temperature: 0.1,
      metadata: { a: 'b' },
      store: false,
      background: false,
      truncation: 'disabled',
      safety_identifier: 'u',
    });
    const call = (id: string, given: string) => ({ id, type: 'function', function: { name: 'f', arguments: given } });
    expect(saidOf(request)).toEqual([]);
    expect(chatOf(request)).toEqual({
      model: 'gpt-5-mini',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
            { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } },
          ],
        },
        { role: 'assistant', content: 'Wait', tool_calls: [call('a', '{"x": 1.0}'), call('b', '{}')] },
        { role: 'tool', tool_call_id: 'a', content: '42' },
        { role: 'tool', tool_call_id: 'b', content: '43' },
      ],
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: false } },
        {
          type: 'custom',
          custom: { name: 'g', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } },
        },
      ],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'f' } }] },
      },
      parallel_tool_calls: false,
      reasoning_effort: 'low',
      verbosity: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } },
      max_completion_tokens: 9,
      logprobs: true,
      top_logprobs: 2,
      temperature: 0.1,
      metadata: { a: 'b' },
      store: false,
      safety_identifier: 'u',
    });
  });

  it.each<[string, object, string[]]>([
    ['truncation', { truncation: 'auto' }, ['body.truncation']],
    ['what cannot be included', { include: ['reasoning.encrypted_content'] }, ['body.include']],
    ['a summary of the reasoning', { reasoning: { summary: 'auto' } }, ['body.reasoning.summary']],
    ['background work, which a batch is', { background: true }, ['body.background']],
    [
      'earlier reasoning',
      {
        input: [
          { type: 'reasoning', summary: [] },
          { role: 'user', content: 'a' },
        ],
      },
      ['body.input[].reasoning'],
    ],
  ])('warns of %s', (_what, body, warned) => {
    expect(isRefused(responses(body))).toBe(false);
    expect(saidOf(responses(body))).toEqual(warned);
  });

  it.each<[string, object, string]>([
    ['an earlier response', { previous_response_id: 'r' }, 'body.previous_response_id'],
    ['a conversation', { conversation: 'c' }, 'body.conversation'],
    ['a prompt template', { prompt: { id: 'p' } }, 'body.prompt'],
    ['web search', { tools: [{ type: 'web_search' }] }, 'body.tools[0].type'],
    ['file search', { tools: [{ type: 'file_search', vector_store_ids: [] }] }, 'body.tools[0].type'],
    ['a computer', { tools: [{ type: 'computer_use_preview' }] }, 'body.tools[0].type'],
    ['MCP', { tools: [{ type: 'mcp', server_label: 'x' }] }, 'body.tools[0].type'],
    ['a code interpreter', { tools: [{ type: 'code_interpreter' }] }, 'body.tools[0].type'],
    ['a reference to an item', { input: [{ type: 'item_reference', id: 'i' }] }, 'body.input[0]'],
    [
      'a file by URL',
      { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://a.b' }] }] },
      'body.input[0].content[0].file_url',
    ],
    [
      'an image kept elsewhere',
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
      'body.input[0].content[0].file_id',
    ],
  ])('refuses %s', (_what, body, param) => {
    expect(isRefused(responses(body))).toBe(true);
    expect(saidOf(responses(body))).toEqual([param]);
  });

  it('hears what the provider says of the chat completion in its own words', () => {
    const line = lineOf(
      openAILine(
        'mine',
        {
          model: 'claude-opus-4-6',
          instructions: 'a',
          input: [
            { role: 'user', content: 'b' },
            { role: 'system', content: 'c' },
          ],
          service_tier: 'flex',
          reasoning: { effort: 'minimal' },
        },
        '/v1/responses',
      ),
    );
    const translated = providers.anthropic.translateRequest(line, { lineId, model: 'claude-opus-4-6' });
    expect(translated.ok && translated.warnings).toEqual([
      expect.objectContaining({ param: 'body.service_tier' }),
      expect.objectContaining({ param: 'body.input[1]', message: expect.stringContaining("'body.input[1]'") }),
      expect.objectContaining({ param: 'body.reasoning.effort' }),
    ]);
  });
});

describe('numbers and texts that are not ours', () => {
  it('survive to the byte', () => {
    const odd =
      '{"type":"object","properties":{"a":{"const":12345678901234567890,"maximum":1.0,"minimum":-0}},"😀":"😀","__proto__":{"a":1e2}}';
    const asMessage = `{"custom_id":"mine","params":{"model":"gpt-5-mini","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":${odd}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}],"tools":[{"name":"f","input_schema":${odd}}]}}`;
    const asResponse = `{"custom_id":"mine","method":"POST","url":"/v1/responses","body":{"model":"gpt-5-mini","input":"😀","tools":[{"type":"function","name":"f","parameters":${odd}}]}}`;
    for (const text of [asMessage, asResponse]) {
      const translated = chatOnly.translateRequest(lineOf(text), target);
      expect(translated.ok && translated.bytes.toString()).toContain(`"parameters":${odd}`);
    }
    const translated = chatOnly.translateRequest(lineOf(asMessage), target);
    expect(translated.ok && translated.bytes.toString()).toContain(`"arguments":${JSON.stringify(odd)}`);
  });

  it('survive in an answer', () => {
    const given = '{"a":12345678901234567890,"b":1.0}';
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: given } };
    const bytes = chatAnswer({ tool_calls: [call], content: null });
    const message = chatOnly.translateResult(bytes, answered({ endpoint: '/v1/messages', format: 'anthropic' }));
    expect(message.kind === 'answered' && message.bytes.toString()).toContain(`"input":${given}`);
    const response = chatOnly.translateResult(bytes, answered({ endpoint: '/v1/responses' }));
    expect(response.kind === 'answered' && response.bytes.toString()).toContain(JSON.stringify(given));
  });
});

function chatAnswer(message: object, finish_reason = 'stop', status_code = 200): Buffer {
  const usage = {
    prompt_tokens: 10,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens: 5,
    completion_tokens_details: { reasoning_tokens: 2 },
  };
  const body = {
    id: 'chatcmpl-1',
    created: 7,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    usage,
  };
  return Buffer.from(
    JSON.stringify({ id: 'r', custom_id: lineId, response: { status_code, request_id: 'q', body }, error: null }),
  );
}

describe('an answer', () => {
  const asMessage = answered({ endpoint: '/v1/messages', format: 'anthropic' });
  const asResponse = answered({ endpoint: '/v1/responses' });

  it('of a native line is a Message', () => {
    const result = chatOnly.translateResult(chatAnswer({ content: 'Hi', reasoning_content: 'Hm' }), asMessage);
    expect(result).toMatchObject({ kind: 'answered', succeeded: true, model: 'm', usage: { input_tokens: 10 } });
    expect(resultLine(result)).toEqual({
      custom_id: 'mine',
      result: {
        type: 'succeeded',
        message: expect.objectContaining({
          id: 'chatcmpl-1',
          type: 'message',
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm', signature: '' },
            { type: 'text', text: 'Hi', citations: null },
          ],
          stop_reason: 'end_turn',
          usage: expect.objectContaining({
            input_tokens: 6,
            cache_read_input_tokens: 4,
            output_tokens: 5,
            output_tokens_details: { thinking_tokens: 2 },
          }),
        }),
      },
    });
  });

  it('of a wrapped Messages line that failed is an error of Anthropic in that wrapping', () => {
    const refusal = { error: { message: 'No.', type: 'insufficient_quota', param: null, code: 'insufficient_quota' } };
    const failed = { id: 'r', custom_id: lineId, response: { status_code: 429, request_id: 'q', body: refusal } };
    const bytes = Buffer.from(JSON.stringify({ ...failed, error: null }));
    const result = chatOnly.translateResult(bytes, answered({ endpoint: '/v1/messages' }));
    expect(resultLine(result)).toEqual({
      id: 'r',
      custom_id: 'mine',
      response: {
        status_code: 429,
        request_id: 'q',
        body: { type: 'error', error: { type: 'rate_limit_error', message: 'No.' }, request_id: 'q' },
      },
      error: { code: 'insufficient_quota', message: 'No.', attempts: 1 },
    });
    expect(resultLine(chatOnly.translateResult(bytes, answered({ endpoint: '/v1/responses' })))).toMatchObject({
      response: { body: refusal },
    });
  });

  it('of a wrapped Messages line is a Message in that wrapping', () => {
    const wrapped = answered({ endpoint: '/v1/messages' });
    expect(resultLine(chatOnly.translateResult(chatAnswer({ content: 'Hi' }), wrapped))).toMatchObject({
      custom_id: 'mine',
      response: { status_code: 200, request_id: 'q', body: { type: 'message' } },
      error: null,
    });
  });

  it.each([
    ['stop', {}, 'end_turn', 'completed'],
    ['length', {}, 'max_tokens', 'incomplete'],
    ['content_filter', {}, 'refusal', 'incomplete'],
    [
      'stop',
      { tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{' } }] },
      'tool_use',
      'completed',
    ],
    ['stop', { refusal: 'No.' }, 'refusal', 'completed'],
  ])('that ended with %s %j ends with %s, and %s', (reason, message, stop_reason, status) => {
    const bytes = chatAnswer({ content: null, ...message }, reason);
    expect(resultLine(chatOnly.translateResult(bytes, asMessage))).toMatchObject({
      result: { message: { stop_reason } },
    });
    expect(resultLine(chatOnly.translateResult(bytes, asResponse))).toMatchObject({ response: { body: { status } } });
  });

  it('of a Responses line is a Response', () => {
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    const bytes = chatAnswer({ content: 'Hi', refusal: 'No', reasoning_content: 'Hm', tool_calls: [call] }, 'length');
    expect(resultLine(chatOnly.translateResult(bytes, asResponse))).toMatchObject({
      custom_id: 'mine',
      response: {
        status_code: 200,
        body: {
          id: 'chatcmpl-1',
          object: 'response',
          created_at: 7,
          status: 'incomplete',
          incomplete_details: { reason: 'max_output_tokens' },
          error: null,
          output: [
            { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm' }] },
            {
              type: 'message',
              role: 'assistant',
              content: [
                { type: 'output_text', text: 'Hi', annotations: [] },
                { type: 'refusal', refusal: 'No' },
              ],
            },
            { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
          ],
          usage: {
            input_tokens: 10,
            input_tokens_details: { cached_tokens: 4 },
            output_tokens: 5,
            output_tokens_details: { reasoning_tokens: 2 },
            total_tokens: 15,
          },
        },
      },
      error: null,
    });
  });

  it.each([
    [400, 'invalid_request_error', false],
    [429, 'rate_limit_error', true],
    [503, 'api_error', true],
  ])('with HTTP status %i is an error of type %s', (status, type, retryable) => {
    const body = { error: { message: 'Too bad.', type: 'x', code: 'y' } };
    const response = { status_code: status, request_id: 'q', body };
    const bytes = Buffer.from(JSON.stringify({ id: 'r', custom_id: lineId, response, error: null }));
    const result = chatOnly.translateResult(bytes, asMessage);
    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable });
    expect(resultLine(result)).toMatchObject({
      custom_id: 'mine',
      result: { type: 'errored', error: { type: 'error', error: { type, message: 'Too bad.' }, request_id: 'q' } },
      error: { code: 'y', attempts: 1 },
    });
    expect(resultLine(chatOnly.translateResult(bytes, asResponse))).toMatchObject({ response, error: { code: 'y' } });
  });

  it('that is none is malformed, and one that is not ours foreign', () => {
    const empty = Buffer.from(
      JSON.stringify({ custom_id: lineId, response: { status_code: 200, body: { choices: 'a' } } }),
    );
    expect(chatOnly.translateResult(empty, asMessage)).toMatchObject({ kind: 'malformed' });
    expect(chatOnly.translateResult(empty, () => null)).toEqual({ kind: 'foreign' });
  });
});

describe('whatever stands in a line', () => {
  const odd = fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue(),
    fc.constantFrom(null, 'text', 'tool_use', 'function_call', '__proto__', '\ud800', 1e300, [], {}),
    fc.array(
      fc.dictionary(
        fc.constantFrom('type', 'role', 'content', 'source', 'name', 'function', 'input', '__proto__'),
        fc.oneof(
          fc.constantFrom(
            'user',
            'assistant',
            'text',
            'image',
            'document',
            'tool_use',
            'tool_result',
            'message',
            'function',
            'input_text',
            'input_image',
            'function_call',
            'custom',
          ),
          fc.jsonValue(),
        ),
      ),
    ),
  );
  const bodyOf = (members: readonly string[]) => fc.dictionary(fc.constantFrom(...members), odd, { maxKeys: 8 });
  const messagesMembers = [
    'max_tokens',
    'messages',
    'system',
    'tools',
    'tool_choice',
    'thinking',
    'output_config',
    'metadata',
    'stop_sequences',
    'temperature',
    '__proto__',
  ];
  const responsesMembers = [
    'input',
    'instructions',
    'tools',
    'tool_choice',
    'text',
    'reasoning',
    'include',
    'top_logprobs',
    'metadata',
    'max_output_tokens',
    '__proto__',
  ];

  /** Seed -1348064788. */
  const chatTools = { tools: [{ type: 'function', function: {} }] };

  // What becomes of it on the way to every kind: see odd-lines.test.ts.
  it('never throws, and keeps its id', () => {
    fc.assert(
      fc.property(bodyOf(messagesMembers), bodyOf(responsesMembers), (params, body) => {
        const lines = [native(params), openAILine('mine', { model: 'm', ...params }, '/v1/messages'), responses(body)];
        for (const text of lines) {
          const bytes = Buffer.from(text.replace('"stream"', '"flow"'));
          const parsed = parseRequestLine({ lineNumber: 1, bytes }, undefined);
          // Half of a surrogate pair and OpenAI's tools are errors of their line, before anything is translated.
          if (!parsed.ok) {
            const { param, message } = parsed.errors[0] ?? {};
            if (param !== 'params.tools') expect(text).toMatch(/\\ud[89a-f]/i);
            expect(message).not.toBe('');
            continue;
          }
          const translated = chatOnly.translateRequest(parsed.request, target);
          if (translated.ok) expect(translated.bytes.indexOf(`"${lineId}"`)).toBeGreaterThan(0);
          else expect(translated.error.message).not.toBe('');
        }
      }),
      {
        numRuns: runs(150),
        examples: [
          [{}, { input: '\ud800' }],
          [chatTools, {}],
        ],
      },
    );
  });

  it('is refused where it is nested too deeply', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const text = native(user('Hi')).replace(
      /\}\}$/,
      `,"output_config":{"format":{"type":"json_schema","schema":{"a":${deep}}}}}}`,
    );
    expect(isRefused(text)).toBe(true);
  });

  it('never throws on the way back, and keeps its id', () => {
    const message = fc.dictionary(
      fc.constantFrom('content', 'tool_calls', 'refusal', 'reasoning_content', 'annotations'),
      odd,
    );
    const lines = [
      answered({ endpoint: '/v1/messages', format: 'anthropic' }),
      answered({ endpoint: '/v1/messages' }),
      answered({ endpoint: '/v1/responses' }),
    ];
    fc.assert(
      fc.property(
        message,
        fc.constantFrom('stop', 'length', 'x'),
        fc.constantFrom(200, 400, 503),
        (given, reason, status) => {
          for (const find of lines) {
            const result = chatOnly.translateResult(chatAnswer(given, reason, status), find);
            expect(result.kind === 'answered' && resultLine(result).custom_id).toBe('mine');
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
