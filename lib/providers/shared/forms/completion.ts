import { objectOf, textOf } from '../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';

/** The one answer of a chat completion. */
export interface FirstChoice {
  message: JsonObject;
  finishReason: string | null;
  logprobs: JsonObject | null;
}

/** @returns null where there is none. Neither Responses nor Messages can ask for several. */
export function answerOf(completion: JsonObject): FirstChoice | null {
  const [choice]: unknown[] = Array.isArray(completion.choices) ? completion.choices : [];
  const message = isObject(choice) ? objectOf(choice.message) : null;
  if (!isObject(choice) || !message) return null;
  return { message, finishReason: textOf(choice.finish_reason), logprobs: objectOf(choice.logprobs) };
}

export function toolCallsOf(message: JsonObject): JsonObject[] {
  const calls: unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  return calls.filter(isObject);
}
