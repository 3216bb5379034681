import { parseExact } from '../lines/exact-json.ts';
import { objectOf } from '../lines/foreign-json.ts';
import type { JsonObject } from '../records/json.ts';
import { isObject } from '../records/json.ts';
import type { LiveEndpoint, StreamWish } from './live-call.ts';

/**
 * A whole answer as the events of a stream in its endpoint's own form: what the official client makes of them is the answer that it
 * would have got without a stream.
 *
 * Sources: OpenAI's API reference on streaming events of chat completions, completions and responses, and Anthropic's page on streaming
 * messages, read 2026-11.
 */
export function eventsOf(endpoint: LiveEndpoint, body: Buffer, wish: StreamWish): string[] {
  const parsed = parseExact(body.toString('utf8'));
  const answer = isObject(parsed) ? parsed : {};
  switch (endpoint) {
    case '/v1/chat/completions':
      return [...chatChunks(answer, wish), done];
    case '/v1/completions':
      return [...completionChunks(answer, wish), done];
    case '/v1/responses':
      return responseEvents(answer);
    case '/v1/messages':
      return messageEvents(answer);
    case '/v1/embeddings':
    case '/v1/moderations':
      throw new TypeError(`${endpoint} has no streams.`);
  }
}

/** An error in the midst of a stream, as its endpoint says it. */
export function errorEvent(endpoint: LiveEndpoint, body: Buffer): string {
  const parsed = parseExact(body.toString('utf8'));
  const told = isObject(parsed) ? parsed : {};
  switch (endpoint) {
    case '/v1/messages':
      return named('error', told);
    case '/v1/responses': {
      const { message, code, param } = objectOf(told.error) ?? {};
      return named('error', {
        type: 'error',
        code: code ?? null,
        message: message ?? '',
        param: param ?? null,
        sequence_number: 0,
      });
    }
    case '/v1/chat/completions':
    case '/v1/completions':
    case '/v1/embeddings':
    case '/v1/moderations':
      return data(told);
  }
}

/** What keeps a stream alive whose answer has not come yet. */
export function keepAliveEvent(endpoint: LiveEndpoint): string {
  return endpoint === '/v1/messages' ? named('ping', { type: 'ping' }) : ': waiting for a batch\n\n';
}

const done = 'data: [DONE]\n\n';

function data(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

function named(name: string, event: object): string {
  return `event: ${name}\n${data(event)}`;
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => isObject(item)) : [];
}

/** One chunk with all that a choice says, one with its end, and one with the usage where it was asked for. */
function chatChunks(answer: JsonObject, { includesUsage }: StreamWish): string[] {
  const { choices, usage, object: _object, ...head } = answer;
  const chunk = (more: object) =>
    data({
      ...head,
      object: 'chat.completion.chunk',
      ...more,
      ...(includesUsage && !('usage' in more) && { usage: null }),
    });
  const chunks = listOf(choices).flatMap((choice) => {
    const { message, finish_reason: finish, logprobs = null, index = 0, ...others } = choice;
    const delta = deltaOf(objectOf(message) ?? {});
    return [
      chunk({ choices: [{ index, delta, logprobs, finish_reason: null, ...others }] }),
      chunk({ choices: [{ index, delta: {}, logprobs: null, finish_reason: finish ?? null }] }),
    ];
  });
  return includesUsage ? [...chunks, chunk({ choices: [], usage: usage ?? null })] : chunks;
}

/** Tool calls of a delta have an index, which a message's have not. */
function deltaOf(message: JsonObject): JsonObject {
  const { tool_calls: calls, ...others } = message;
  if (!Array.isArray(calls)) return others;
  return { ...others, tool_calls: listOf(calls).map((call, index) => ({ index, ...call })) };
}

function completionChunks(answer: JsonObject, { includesUsage }: StreamWish): string[] {
  const { choices, usage, ...head } = answer;
  const chunks = listOf(choices).map((choice) => data({ ...head, choices: [choice] }));
  return includesUsage ? [...chunks, data({ ...head, choices: [], usage: usage ?? null })] : chunks;
}

/** Events of a response have a type and a number each. */
class ResponseEvents {
  readonly #events: string[] = [];

  add(type: string, event: object): void {
    this.#events.push(named(type, { type, sequence_number: this.#events.length, ...event }));
  }

  get all(): string[] {
    return this.#events;
  }
}

const endOfStatus: Readonly<Record<string, string>> = {
  incomplete: 'response.incomplete',
  failed: 'response.failed',
};

function responseEvents(answer: JsonObject): string[] {
  const events = new ResponseEvents();
  const begun = { ...answer, status: 'in_progress', output: [], usage: null, completed_at: null };
  events.add('response.created', { response: begun });
  events.add('response.in_progress', { response: begun });
  for (const [index, item] of listOf(answer.output).entries()) addItem(events, index, item);
  const end = typeof answer.status === 'string' ? endOfStatus[answer.status] : undefined;
  events.add(end ?? 'response.completed', { response: answer });
  return events.all;
}

function addItem(events: ResponseEvents, outputIndex: number, item: JsonObject): void {
  const place = { output_index: outputIndex, item_id: item.id ?? '' };
  events.add('response.output_item.added', { output_index: outputIndex, item: emptied(item) });
  if (item.type === 'message')
    for (const [index, part] of listOf(item.content).entries())
      addPart(events, { ...place, content_index: index }, part);
  if (item.type === 'function_call') {
    events.add('response.function_call_arguments.delta', { ...place, delta: item.arguments ?? '' });
    events.add('response.function_call_arguments.done', { ...place, name: item.name, arguments: item.arguments ?? '' });
  }
  events.add('response.output_item.done', { output_index: outputIndex, item });
}

function emptied(item: JsonObject): JsonObject {
  if (item.type === 'message') return { ...item, status: 'in_progress', content: [] };
  if (item.type === 'function_call') return { ...item, status: 'in_progress', arguments: '' };
  return item;
}

function addPart(events: ResponseEvents, place: object, part: JsonObject): void {
  if (part.type === 'output_text') {
    const annotations = Array.isArray(part.annotations) ? part.annotations : [];
    events.add('response.content_part.added', { ...place, part: { ...part, text: '', annotations: [], logprobs: [] } });
    events.add('response.output_text.delta', { ...place, delta: part.text ?? '', logprobs: part.logprobs ?? [] });
    for (const [index, annotation] of annotations.entries())
      events.add('response.output_text.annotation.added', { ...place, annotation_index: index, annotation });
    events.add('response.output_text.done', { ...place, text: part.text ?? '', logprobs: part.logprobs ?? [] });
  } else if (part.type === 'refusal') {
    events.add('response.content_part.added', { ...place, part: { ...part, refusal: '' } });
    events.add('response.refusal.delta', { ...place, delta: part.refusal ?? '' });
    events.add('response.refusal.done', { ...place, refusal: part.refusal ?? '' });
  } else events.add('response.content_part.added', { ...place, part });
  events.add('response.content_part.done', { ...place, part });
}

function messageEvents(answer: JsonObject): string[] {
  const { content, stop_reason, stop_sequence, usage, ...head } = answer;
  const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
  const { container, context_management, stop_details } = answer;
  const ending = {
    stop_reason: stop_reason ?? null,
    stop_sequence: stop_sequence ?? null,
    ...(container !== undefined && { container }),
    ...(stop_details !== undefined && { stop_details }),
  };
  return [
    named('message_start', { type: 'message_start', message }),
    ...listOf(content).flatMap((block, index) => blockEvents(block, index)),
    named('message_delta', {
      type: 'message_delta',
      delta: ending,
      usage: usage ?? {},
      ...(context_management !== undefined && { context_management }),
    }),
    named('message_stop', { type: 'message_stop' }),
  ];
}

/** What of a block comes bit by bit; any other block comes whole at its start. */
function blockEvents(block: JsonObject, index: number): string[] {
  const { start, deltas } = blockParts(block);
  return [
    named('content_block_start', { type: 'content_block_start', index, content_block: start }),
    ...deltas.map((delta) => named('content_block_delta', { type: 'content_block_delta', index, delta })),
    named('content_block_stop', { type: 'content_block_stop', index }),
  ];
}

function blockParts(block: JsonObject): { start: JsonObject; deltas: JsonObject[] } {
  switch (block.type) {
    case 'text': {
      const citations = listOf(block.citations).map((citation) => ({ type: 'citations_delta', citation }));
      const start = { ...block, text: '', ...(citations.length > 0 && { citations: [] }) };
      return { start, deltas: [...citations, { type: 'text_delta', text: block.text ?? '' }] };
    }
    case 'thinking':
      return {
        start: { ...block, thinking: '', signature: '' },
        deltas: [
          { type: 'thinking_delta', thinking: block.thinking ?? '' },
          { type: 'signature_delta', signature: block.signature ?? '' },
        ],
      };
    case 'tool_use':
    case 'server_tool_use':
      return {
        start: { ...block, input: {} },
        deltas: [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input ?? {}) }],
      };
    default:
      return { start: block, deltas: [] };
  }
}
