import { membersBeyond, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';

/**
 * Reads Mistral's answer. What is alike, and what we do not know, stays as it is. Source: @mistralai/mistralai 2.7
 * `ChatCompletionResponse`.
 *
 * @param body its numbers may be in their own spelling (`parseExact`).
 */
export function answerFromCompletion(body: JsonObject, usage: Usage | null): ChatAnswer {
  const { id, created, model, usage: counts, choices: _choices, ...members } = body;
  const furtherUsage = membersBeyond(objectOf(counts) ?? {}, saidOfUsage);
  return {
    maker: 'mistral',
    id: textOf(id),
    createdSeconds: created,
    model: textOf(model),
    choices: choicesOf(body).map((choice, place) => choiceFrom(choice, place, furtherUsage)),
    usage,
    members,
  };
}

/** What usage says is counted, and stands in the completion's own. */
const saidOfUsage: ReadonlySet<string> = new Set([
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'prompt_tokens_details',
  'prompt_token_details',
  'completion_tokens_details',
  'num_cached_tokens',
]);

export function choicesOf(body: JsonObject): JsonObject[] {
  return Array.isArray(body.choices) ? body.choices.filter(isObject) : [];
}

/** @param usage what it says beyond counts of tokens, which stands with the first choice. */
function choiceFrom(choice: JsonObject, place: number, usage: JsonObject | null): AnswerChoice {
  const { index, message: _message, finish_reason: reason, logprobs, ...members } = choice;
  const { prefix: _prefix, tool_calls: calls, content, refusal, ...messageMembers } = objectOf(choice.message) ?? {};
  const parts = [...partsFrom(content), ...(Array.isArray(calls) ? calls.filter(isObject).map(callFrom) : [])];
  const known = finishReasons.get(reason);
  return {
    index: index ?? place,
    parts,
    finish: known ?? (parts.some(({ type }) => type === 'call') ? 'tool_calls' : 'stop'),
    isExplained: known !== undefined && reason !== 'error',
    refusal: textOf(refusal),
    saysNull: content === null,
    logprobs: objectOf(logprobs),
    extra: place === 0 && usage ? { usage } : null,
    members,
    messageMembers,
  };
}

/** `error` is that of one choice among others; where all are so the line has failed. */
const finishReasons = new Map<unknown, 'stop' | 'length' | 'tool_calls'>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['error', 'length'],
  ['tool_calls', 'tool_calls'],
]);

/** A text, or chunks. An empty text is none. */
function partsFrom(content: unknown): AnswerPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.filter(isObject).flatMap(partsOfChunk) : [];
}

/** A chunk that says more than a chat completion can is kept whole beside what it says. */
function partsOfChunk(chunk: JsonObject): AnswerPart[] {
  const said = partFrom(chunk);
  return said.type === 'other' || saysAll(said, chunk) ? [said] : [said, { type: 'other', value: chunk }];
}

const textMembers: ReadonlySet<string> = new Set(['type', 'text']);
const thinkingMembers: ReadonlySet<string> = new Set(['type', 'thinking', 'closed']);

function saysAll({ type }: AnswerPart, chunk: JsonObject): boolean {
  if (type === 'text') return membersBeyond(chunk, textMembers) === null;
  return type !== 'thinking' || (membersBeyond(chunk, thinkingMembers) === null && isOfTexts(chunk.thinking));
}

function isOfTexts(chunks: unknown): boolean {
  return !Array.isArray(chunks) || chunks.every((chunk) => isObject(chunk) && typeof chunk.text === 'string');
}

function partFrom(chunk: JsonObject): AnswerPart {
  const { type, text, thinking, image_url: image } = chunk;
  if (type === 'thinking') return { type: 'thinking', text: textsOf(thinking) };
  if (typeof text === 'string') return { type: 'text', text };
  const url = textOf(image) ?? textOf(objectOf(image)?.url);
  const inline = url === null ? null : /^data:(image\/[^;,]+);base64,/.exec(url.slice(0, 100));
  if (url !== null && inline)
    return { type: 'picture', mediaType: String(inline[1]), base64: url.slice(inline[0].length) };
  return { type: 'other', value: chunk };
}

function textsOf(chunks: unknown): string {
  if (typeof chunks === 'string') return chunks;
  if (!Array.isArray(chunks)) return '';
  return chunks
    .filter(isObject)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

function callFrom(call: JsonObject): AnswerPart {
  const called = objectOf(call.function) ?? {};
  const given = called.arguments;
  return {
    type: 'call',
    id: textOf(call.id),
    name: textOf(called.name) ?? '',
    argumentsJson: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
    extra: membersBeyond(call, call.type === 'function' ? functionMembers : callMembers),
  };
}

const callMembers: ReadonlySet<string> = new Set(['id', 'function', 'index']);
const functionMembers: ReadonlySet<string> = new Set([...callMembers, 'type']);
