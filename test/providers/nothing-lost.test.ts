import { describe, expect, it } from 'vitest';
import type { ProviderKind } from '../../lib/providers/config.ts';
import type { TranslatedResult } from '../../lib/providers/contract.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import type { Endpoint } from '../../lib/records/endpoints.ts';
import { answered, lineId, resultLine } from './support/lines.ts';

/**
 * Answers in the shapes in which the services were recorded. Each text that must come back begins with `§`: whatever a provider
 * answers stands in a documented member of the result, in each form of answer.
 */
interface Shape {
  kind: ProviderKind;
  model: string;
  what: string;
  answer: object;
}

function claude(what: string, content: object[], members: object = {}): Shape {
  const whole = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-4-6', stop_reason: 'end_turn' };
  const message = { ...whole, content, usage: { input_tokens: 3, output_tokens: 5 }, ...members };
  return {
    kind: 'anthropic',
    model: 'claude-opus-4-6',
    what,
    answer: { custom_id: lineId, result: { type: 'succeeded', message } },
  };
}

function gemini(what: string, parts: object[], candidate: object = {}): Shape {
  const candidates = [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0, ...candidate }];
  const response = {
    candidates,
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 5 },
    modelVersion: 'gemini-3',
  };
  return { kind: 'gemini', model: 'gemini-2.5-flash', what, answer: { key: lineId, response } };
}

function converse(what: string, content: object[], members: object = {}): Shape {
  const output = { message: { role: 'assistant', content } };
  const modelOutput = { output, stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 5 }, ...members };
  return { kind: 'bedrock', model: 'qwen.qwen3-32b-v1:0', what, answer: { recordId: lineId, modelOutput } };
}

function mistral(what: string, message: object, choice: object = {}): Shape {
  const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', ...message }, ...choice }];
  const body = { id: 'm1', object: 'chat.completion', created: 1, model: 'mistral-small', choices, usage: {} };
  return {
    kind: 'mistral',
    model: 'mistral-small',
    what,
    answer: { custom_id: lineId, response: { status_code: 200, body }, error: null },
  };
}

const said = { type: 'text', text: '§said' };
const picture = { inlineData: { mimeType: 'image/png', data: '§cGljdHVyZQ==' } };

const shapes: Shape[] = [
  claude('a text', [said]),
  claude('citations', [
    { ...said, citations: [{ type: 'char_location', cited_text: '§cited', document_title: '§title' }] },
  ]),
  claude('a signed thought', [{ type: 'thinking', thinking: '§thought', signature: '§signature' }, said]),
  claude('a redacted thought', [{ type: 'redacted_thinking', data: '§redacted' }, said]),
  claude('a web search', [
    { type: 'server_tool_use', id: '§srv_1', name: 'web_search', input: { query: '§query' } },
    { type: 'web_search_tool_result', tool_use_id: 'srv_1', content: [{ type: 'web_search_result', url: '§url' }] },
    said,
  ]),
  claude('a fetched page', [{ type: 'web_fetch_tool_result', tool_use_id: 'a', content: { url: '§fetched' } }, said]),
  claude('run code', [{ type: 'bash_code_execution_tool_result', tool_use_id: 'a', content: { stdout: '§stdout' } }]),
  claude('code of an older tool', [
    { type: 'code_execution_tool_result', tool_use_id: 'a', content: { stdout: '§out' } },
  ]),
  claude('an edited file', [
    { type: 'text_editor_code_execution_tool_result', tool_use_id: 'a', content: { lines: ['§l'] } },
  ]),
  claude('a searched tool', [{ type: 'tool_search_tool_result', tool_use_id: 'a', content: { tool: '§tool' } }, said]),
  claude('an advisor', [{ type: 'advisor_tool_result', tool_use_id: 'a', content: '§advice' }, said]),
  claude('an MCP call', [{ type: 'mcp_tool_use', id: '§mcp', name: '§mcp_name', server_name: '§server', input: {} }]),
  claude('an MCP result', [{ type: 'mcp_tool_result', tool_use_id: 'a', content: [{ type: 'text', text: '§mcp' }] }]),
  claude('a compaction', [{ type: 'compaction', content: '§summary' }, said]),
  claude('a block of tomorrow', [{ type: 'tomorrow', value: '§new' }]),
  claude('a call', [{ type: 'tool_use', id: '§call_1', name: '§name', input: { a: '§argument' } }], {
    stop_reason: 'tool_use',
  }),
  claude('a call of code', [
    {
      type: 'tool_use',
      id: '§id',
      name: '§name',
      input: {},
      caller: { type: 'code_execution_20250825', tool_id: '§code' },
    },
  ]),
  claude('counts of tools', [said], {
    usage: { input_tokens: 3, output_tokens: 5, server_tool_use: { '§searches': 2 } },
  }),
  claude('a stop sequence', [said], { stop_reason: 'stop_sequence', stop_sequence: '§END' }),
  claude('details of a refusal', [], {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: '§category', explanation: '§explanation' },
  }),
  claude('a pause', [said], { stop_reason: 'pause_turn', container: { id: '§container', expires_at: '§then' } }),
  gemini('a text', [{ text: '§said' }]),
  gemini('a thought', [{ text: '§thought', thought: true }, { text: '§said' }]),
  gemini('a signed text', [{ text: '§said', thoughtSignature: '§signature' }]),
  gemini('several signatures', [
    { text: '§a', thoughtSignature: '§1' },
    { text: '§b', thoughtSignature: '§2' },
  ]),
  gemini('a signature alone', [{ text: '§said' }, { text: '', thoughtSignature: '§signature' }]),
  gemini('a picture', [picture]),
  gemini('a picture beside a text', [{ text: '§said' }, picture]),
  gemini('sound', [{ inlineData: { mimeType: 'audio/L16;rate=24000', data: '§c291bmQ=' } }]),
  gemini('another file', [{ inlineData: { mimeType: 'video/mp4', data: '§dmlkZW8=' } }]),
  gemini('run code', [
    { executableCode: { language: 'PYTHON', code: '§code' } },
    { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '§output' } },
  ]),
  gemini('tools of the server', [
    { toolCall: { id: 'a', args: { q: '§query' } } },
    { toolResponse: { response: '§reply' } },
  ]),
  gemini('grounding', [{ text: '§said' }], { groundingMetadata: { groundingChunks: [{ web: { uri: '§uri' } }] } }),
  gemini('citations', [{ text: '§said' }], { citationMetadata: { citations: [{ uri: '§cited' }] } }),
  gemini('URLs', [{ text: '§said' }], { urlContextMetadata: { urlMetadata: [{ retrievedUrl: '§url' }] } }),
  gemini('a signed call', [{ functionCall: { name: '§f', args: { a: '§arg' } }, thoughtSignature: '§signature' }]),
  gemini('a part of more than its text', [{ text: '§said', partMetadata: { key: '§more' } }]),
  gemini('a picture of a thought', [{ ...picture, thought: true }, { text: '§said' }]),
  gemini('a named picture', [{ inlineData: { ...picture.inlineData, displayName: '§name' } }]),
  gemini('a block', [], { finishReason: 'SAFETY', finishMessage: '§blocked', safetyRatings: [{ category: '§harm' }] }),
  converse('a text', [{ text: '§said' }]),
  converse('a thought', [
    { reasoningContent: { reasoningText: { text: '§thought', signature: '§signature' } } },
    { text: '§a' },
  ]),
  converse('a hidden thought', [{ reasoningContent: { redactedContent: '§hidden' } }, { text: '§said' }]),
  converse('citations', [{ citationsContent: { content: [{ text: '§said' }], citations: [{ title: '§title' }] } }]),
  converse('a picture', [{ image: { format: 'png', source: { bytes: '§cGljdHVyZQ==' } } }]),
  converse('a result of a tool', [{ toolResult: { toolUseId: 'a', content: [{ text: '§result' }] } }]),
  converse('a call', [{ toolUse: { toolUseId: '§id', name: '§name', input: { a: '§arg' } } }], {
    stopReason: 'tool_use',
  }),
  converse('a trace', [{ text: '§said' }], { trace: { guardrail: { actionReason: '§reason' } } }),
  mistral('a text', { content: '§said' }),
  mistral('thoughts', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: '§thought' }] }, said] }),
  mistral('references', { content: [said, { type: 'reference', reference_ids: ['§reference'] }] }),
  mistral('a file', { content: [{ type: 'tool_file', tool: 'image_generation', file_id: '§file' }] }),
  mistral('a picture', { content: [{ type: 'image_url', image_url: 'data:image/png;base64,§cGljdHVyZQ==' }] }),
  mistral('references of thoughts', {
    content: [{ type: 'thinking', thinking: [said, { type: 'reference', reference_ids: ['§reference'] }] }],
  }),
  mistral('a signed thought', { content: [{ type: 'thinking', thinking: [said], signature: '§signature' }] }),
  mistral('a call', { tool_calls: [{ id: '§id', function: { name: '§name', arguments: '{"a":"§arg"}' } }] }),
];

function markersIn(value: unknown): string[] {
  return [...new Set(JSON.stringify(value).match(/§[\w=]*/g))];
}

function translated({ kind, model, answer }: Shape, endpoint: Endpoint): TranslatedResult {
  const bytes = Buffer.from(JSON.stringify(answer));
  return providerOf({ kind }).translateResult(bytes, answered({ endpoint, model }));
}

describe.each(['/v1/chat/completions', '/v1/responses', '/v1/messages'] as const)('an answer to %s', (endpoint) => {
  it.each(shapes)('of $kind with $what comes back whole', (shape) => {
    const result = translated(shape, endpoint);

    expect(result).toMatchObject({ kind: 'answered', succeeded: true });
    const given = markersIn(shape.answer);
    expect(given.length).toBeGreaterThan(0);
    expect(markersIn(resultLine(result))).toEqual(expect.arrayContaining(given));
  });
});

describe('usage that a provider does not name', () => {
  it.each([
    claude('', [said], { usage: undefined }),
    claude('', [said], { usage: {} }),
    converse('', [{ text: 'a' }], { usage: undefined }),
    mistral('', { content: 'a' }),
  ])('is unknown, and not nothing: $kind', (shape) => {
    const result = translated(shape, '/v1/chat/completions');

    expect(result).toMatchObject({ kind: 'answered', succeeded: true, usage: null });
    expect(resultLine(result)).not.toHaveProperty('response.body.usage');
  });
});

describe('an answer with nothing in it', () => {
  const chat = '/v1/chat/completions';

  it.each([
    claude('', []),
    gemini('', []),
    gemini('', [], { finishReason: 'MAX_TOKENS' }),
    converse('', []),
    mistral('', { content: '' }),
  ])('of $kind is the answer where the provider says so, and an empty text', (shape) => {
    const result = translated(shape, chat);

    expect(result).toMatchObject({ kind: 'answered', succeeded: true });
    expect(resultLine(result)).toMatchObject({ response: { body: { choices: [{ message: { content: '' } }] } } });
  });

  it('is null where the provider wrote null', () => {
    expect(resultLine(translated(mistral('', { content: null }), chat))).toMatchObject({
      response: { body: { choices: [{ message: { content: null } }] } },
    });
  });

  it.each([
    claude('', [], { stop_reason: null }),
    gemini('', [], { finishReason: 'OTHER' }),
    gemini('', [], { finishReason: 'NO_IMAGE' }),
    gemini('', [{ text: '§hm', thought: true }], { finishReason: undefined }),
    converse('', [], { stopReason: 'malformed_model_output' }),
    mistral('', { content: '' }, { finish_reason: null }),
  ])('of $kind is a failure where nobody says why', (shape) => {
    const result = translated(shape, chat);

    expect(result).toMatchObject({ kind: 'answered', succeeded: false, retryable: true });
    expect(resultLine(result)).toMatchObject({ response: { body: { error: { code: 'generation_error' } } } });
  });
});
