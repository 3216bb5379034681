import type { Endpoint } from '../../../lib/records/endpoints.ts';
import { isObject, type JsonObject } from '../../../lib/records/json.ts';
import { publishedType } from './published-types.ts';
import { Sampler, type Sampling, type Shape } from './sampled-shapes.ts';

const question = { role: 'user', content: 'Name one river.' };
const schema = { type: 'object', description: 'MARK', properties: {}, additionalProperties: false };

const samples: readonly (readonly [RegExp, readonly unknown[]])[] = [
  [/(^|\.)(temperature|top_p|\w+_penalty)$/, [0.43]],
  [/(^|\.)(max_tokens|max_completion_tokens|max_output_tokens)$/, [4_321]],
  [/budget_tokens$/, [2_043]],
  [/^n$/, [2]],
  [/^seed$/, [43]],
  [/^top_logprobs$/, [3]],
  [/^top_k$/, [43]],
  [/(^|\.)logit_bias$/, [{ 43: 1 }]],
  [/^input\[\]\.id$/, ['item0']],
  [/^input\[\]\.content\[\]\.(annotations|logprobs)$/, [[]]], // of an earlier answer, for who read it
  [/(json_schema|text\.format)\.name$/, ['answer']],
  [/\.arguments$/, ['{"a":"MARK"}']],
  [/(tool_call_id|tool_use_id|call_id|tool_calls\[\]\.id|messages\[\]\.content\[\]\.id)$/, ['call00001']],
  [/(\.|^)(parameters|schema|input_schema)$/, [schema]],
  [/image_url\.url$|source\.url$|\[\]\.image_url$/, ['https://example.com/MARK.png', 'data:image/png;base64,MARK']],
  [/file_data$/, ['data:application/pdf;base64,MARK']],
];

/** A form in which requests are written, and every shape of it. */
export interface RequestShapes {
  name: string;
  endpoint: Endpoint;
  format: 'openai' | 'anthropic';
  shapes: Shape[];
  unread: ReadonlySet<string>;
  /** Puts what is varied into a request that makes sense otherwise. */
  whole(body: JsonObject): JsonObject;
}

function requestShapes(
  about: Omit<RequestShapes, 'shapes' | 'unread'>,
  type: Parameters<typeof publishedType>,
  sampling: Sampling,
): RequestShapes {
  const sampler = new Sampler({ samples, ...sampling });
  const shapes = sampler.shapes(publishedType(...type));
  return { ...about, shapes, unread: sampler.unread };
}

/** What a batch has no use for, or the line says otherwise. */
const elsewhere = /^(model|stream|stream_options)$/;

export const allRequestShapes: RequestShapes[] = [
  requestShapes(
    { name: 'chat completions', endpoint: '/v1/chat/completions', format: 'openai', whole: wholeChat },
    ['openai', 'resources/chat/completions/completions.d.ts', 'ChatCompletionCreateParamsNonStreaming'],
    { bases: { '': { messages: [question] } }, skips: elsewhere, maxDepth: 5 },
  ),
  requestShapes(
    { name: 'Responses', endpoint: '/v1/responses', format: 'openai', whole: wholeResponse },
    ['openai', 'resources/responses/responses.d.ts', 'ResponseCreateParamsNonStreaming'],
    { bases: { '': { input: 'Name one river.' } }, skips: elsewhere, maxDepth: 3 },
  ),
  requestShapes(
    { name: 'Messages', endpoint: '/v1/messages', format: 'anthropic', whole: wholeMessage },
    ['@anthropic-ai/sdk', 'resources/messages/messages.d.ts', 'MessageCreateParamsNonStreaming'],
    { bases: { '': { max_tokens: 4_321, messages: [question] } }, skips: elsewhere, maxDepth: 4 },
  ),
];

/** A result has its call, what is called is there, and the user has the last word. */
function wholeChat(body: JsonObject): JsonObject {
  const messages = itemsOf(body.messages).flatMap((message): JsonObject[] => {
    if (message.role === 'tool') return [question, callOf(message.tool_call_id), message];
    return message.role === 'assistant' ? [question, message, ...answersTo(message), question] : [question, message];
  });
  const needsTools = messages.some(({ tool_calls: calls }) => calls !== undefined) || asksForTools(body);
  return {
    ...body,
    messages,
    ...(needsTools && !body.tools && { tools: [{ type: 'function', function: functionFor(body.tool_choice) }] }),
    ...(body.top_logprobs !== undefined && { logprobs: true }),
  };
}

function asksForTools({ tool_choice: choice, parallel_tool_calls: parallel }: JsonObject): boolean {
  return choice !== undefined || parallel !== undefined;
}

function functionFor(choice: unknown): JsonObject {
  const named = isObject(choice) ? (isObject(choice.function) ? choice.function : choice) : {};
  return { name: named.name ?? 'f', parameters: { type: 'object', properties: {} } };
}

function callOf(id: unknown): JsonObject {
  return { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }] };
}

function answersTo({ tool_calls: calls }: JsonObject): JsonObject[] {
  return itemsOf(calls).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'done' }));
}

function wholeResponse(body: JsonObject): JsonObject {
  const input = itemsOf(body.input).flatMap((item): JsonObject[] => {
    const { type, call_id } = item;
    if (type === 'function_call' || type === 'custom_tool_call')
      return [question, item, { type: 'function_call_output', call_id, output: 'done' }];
    return type === 'function_call_output' || type === 'custom_tool_call_output'
      ? [question, { type: 'function_call', call_id, name: 'f', arguments: '{}' }, item]
      : [question, item, question];
  });
  const needsTools = input.some(({ call_id }) => call_id !== undefined) || asksForTools(body);
  const tool = { type: 'function', ...functionFor(body.tool_choice), strict: false };
  return { ...body, ...(input.length > 0 && { input }), ...(needsTools && !body.tools && { tools: [tool] }) };
}

function wholeMessage(body: JsonObject): JsonObject {
  const messages = itemsOf(body.messages).flatMap((message): JsonObject[] => {
    const blocks = itemsOf(message.content);
    const results = blocks.filter(({ type }) => type === 'tool_result');
    const calls = results.map(({ tool_use_id: id }) => ({ type: 'tool_use', id, name: 'f', input: {} }));
    if (calls.length > 0) return [question, { role: 'assistant', content: calls }, message];
    const uses = blocks.filter(({ type }) => type === 'tool_use');
    const answers = uses.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'done' }));
    const last = answers.length > 0 ? { role: 'user', content: answers } : question;
    return message.role === 'assistant' || uses.length > 0
      ? [question, { ...message, role: 'assistant' }, last]
      : [question, message];
  });
  const hasCalls = messages.some(({ content }) => itemsOf(content).some(({ type }) => type === 'tool_use'));
  const { name, parameters } = functionFor(body.tool_choice);
  const needsTools = hasCalls || asksForTools(body);
  return { ...body, messages, ...(needsTools && !body.tools && { tools: [{ name, input_schema: parameters }] }) };
}

function itemsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
