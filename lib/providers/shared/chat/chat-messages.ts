import { parseExact } from '../../../lines/exact-json.ts';
import { isAbsent } from '../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

/** What every translation of a chat completion's messages reads alike. Source: https://platform.openai.com/docs/api-reference/chat */

/** A piece of the request, and its place there. */
export interface Placed {
  value: JsonObject;
  param: string;
}

/** Takes messages one by one, each by its role. */
export type MessageReader<Read = void> = Record<ChatRole, (message: Placed, index: number) => Read>;

/** @returns what the reader made of each message. */
export function readMessages<Read>(messages: unknown, reader: MessageReader<Read>, notes: TranslationNotes): Read[] {
  const placed = placedObjects(messages, 'body.messages', 'an array of messages');
  return placed.map((message, index) => reader[chatRoleOf(message, notes)](message, index));
}

/** The parts of a message's content that is no string. */
export function placedParts(content: unknown, param: string): Placed[] {
  return placedObjects(content, param, 'a string or an array of content parts');
}

/** The calls that an assistant's message holds. */
export function placedToolCalls(calls: unknown, param: string): Placed[] {
  return isAbsent(calls) ? [] : placedObjects(calls, param, 'an array of tool calls');
}

export function placedObjects(values: unknown, param: string, expected: string): Placed[] {
  if (!Array.isArray(values)) throw invalid(param, expected);
  return values.map((value: unknown, index) => {
    const place = `${param}[${index}]`;
    if (!isObject(value)) throw invalid(place, 'an object');
    return { value, param: place };
  });
}

type ChatRole = 'system' | 'user' | 'assistant' | 'tool';

const roles = new Map<unknown, ChatRole>([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool'],
]);

function chatRoleOf({ value, param }: Placed, notes: TranslationNotes): ChatRole {
  const role = roles.get(value.role);
  if (role) return role;
  if (value.role === 'function')
    throw notes.unsupported(param, "write the deprecated 'function' messages as 'tool' messages");
  throw invalid(`${param}.role`, "'system', 'developer', 'user', 'assistant' or 'tool'");
}

/** The function that a tool call names, and its arguments as JSON. */
export function calledFunction(
  { value, param }: Placed,
  notes: TranslationNotes,
): { name: string; argumentsJson: string } {
  if (value.type === 'custom') throw notes.unsupported(param, 'custom tools take free text; use a function');
  const called = value.function;
  if (!isObject(called) || typeof called.name !== 'string') throw invalid(`${param}.function.name`, 'a string');
  if (!isAbsent(called.arguments) && typeof called.arguments !== 'string')
    throw invalid(`${param}.function.arguments`, 'JSON in a string');
  return { name: called.name, argumentsJson: called.arguments || '{}' };
}

/** The arguments of a tool call with their numbers as the model wrote them. */
export function argumentsFrom(argumentsJson: string, { param }: Placed): JsonObject {
  const parsed = tryParse(argumentsJson);
  if (!isObject(parsed)) throw invalid(`${param}.function.arguments`, 'a JSON object in a string');
  return parsed;
}

function tryParse(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
