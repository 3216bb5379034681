import { objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import { completionUsage } from '../shared/chat/completion-usage.ts';

/**
 * Mistral's answer -> OpenAI's chat completion. What is alike, and what we do not know, stays as it is. Source:
 * @mistralai/mistralai 2.7 `ChatCompletionResponse`.
 *
 * @param body its numbers may be in their own spelling (`parseExact`).
 */
export function completionFrom(body: JsonObject, usage: Usage): JsonObject {
  return {
    ...body,
    object: 'chat.completion',
    choices: choicesOf(body).map(choiceFrom),
    usage: completionUsage(usage),
  };
}

export function choicesOf(body: JsonObject): JsonObject[] {
  return Array.isArray(body.choices) ? body.choices.filter(isObject) : [];
}

function choiceFrom(choice: JsonObject): JsonObject {
  const message = objectOf(choice.message) ?? {};
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject).map(toolCallFrom) : [];
  const { prefix: _prefix, tool_calls: _calls, ...others } = message;
  return {
    ...choice,
    message: {
      ...others,
      role: 'assistant',
      ...contentFrom(message.content),
      refusal: null,
      ...(calls.length > 0 && { tool_calls: calls }),
    },
    logprobs: null,
    finish_reason: finishReasons.get(choice.finish_reason) ?? (calls.length > 0 ? 'tool_calls' : 'stop'),
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

/** A text, or chunks: thinking becomes `reasoning_content`, as others call it. */
function contentFrom(content: unknown): { content: string | null; reasoning_content?: string } {
  if (typeof content === 'string') return { content: content === '' ? null : content };
  const chunks = Array.isArray(content) ? content.filter(isObject) : [];
  const thoughts = chunks.filter((chunk) => chunk.type === 'thinking').flatMap(({ thinking }) => textsOf(thinking));
  const texts = textsOf(chunks);
  return {
    content: texts.length > 0 ? texts.join('') : null,
    ...(thoughts.length > 0 && { reasoning_content: thoughts.join('') }),
  };
}

function textsOf(chunks: unknown): string[] {
  if (typeof chunks === 'string') return [chunks];
  if (!Array.isArray(chunks)) return [];
  return chunks.filter(isObject).flatMap((chunk) => (typeof chunk.text === 'string' ? [chunk.text] : []));
}

function toolCallFrom(call: JsonObject): JsonObject {
  const called = objectOf(call.function) ?? {};
  const given = called.arguments;
  return {
    id: textOf(call.id),
    type: 'function',
    function: {
      name: textOf(called.name) ?? '',
      arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}),
    },
  };
}
