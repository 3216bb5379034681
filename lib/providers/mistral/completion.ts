import { objectOf, textOf } from '../../lines/foreign-json.ts';
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
  const { id, created, model, usage: _counts, choices: _choices, ...members } = body;
  return {
    maker: 'mistral',
    id: textOf(id),
    createdSeconds: created,
    model: textOf(model),
    choices: choicesOf(body).map(choiceFrom),
    usage,
    members,
  };
}

export function choicesOf(body: JsonObject): JsonObject[] {
  return Array.isArray(body.choices) ? body.choices.filter(isObject) : [];
}

function choiceFrom(choice: JsonObject, place: number): AnswerChoice {
  const { index, message: _message, finish_reason: reason, logprobs, ...members } = choice;
  const { prefix: _prefix, tool_calls: calls, content, ...messageMembers } = objectOf(choice.message) ?? {};
  const parts = [...partsFrom(content), ...(Array.isArray(calls) ? calls.filter(isObject).map(callFrom) : [])];
  const known = finishReasons.get(reason);
  return {
    index: index ?? place,
    parts,
    finish: known ?? (parts.some(({ type }) => type === 'call') ? 'tool_calls' : 'stop'),
    isExplained: known !== undefined && reason !== 'error',
    refusal: null,
    logprobs: objectOf(logprobs),
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
  return Array.isArray(content) ? content.filter(isObject).map(partFrom) : [];
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
    thoughtSignature: null,
  };
}
