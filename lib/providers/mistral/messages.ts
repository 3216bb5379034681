import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import {
  calledFunction,
  type MessageReader,
  type Placed,
  placedToolCalls,
  readMessages,
} from '../shared/chat/chat-messages.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { inputContent, textContent } from './content.ts';
import { ToolCallIds } from './tool-call-ids.ts';

/**
 * Chat messages -> Mistral's, one for one. Source: @mistralai/mistralai 2.7 `SystemMessage`, `UserMessage`,
 * `AssistantMessage`, `ToolMessage`.
 *
 * @param exact the same with their numbers as they were written.
 */
export function messagesFrom(messages: unknown, exact: unknown, notes: TranslationNotes): JsonObject[] {
  const translated = readMessages(messages, new MessageTranslation(exact, notes), notes);
  if (translated.length === 0) throw invalid('body.messages', 'at least one message');
  return translated;
}

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls', 'prefix']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id', 'name']);
const callKeys: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index']);

class MessageTranslation implements MessageReader<JsonObject> {
  readonly #exact: unknown[];
  readonly #notes: TranslationNotes;
  readonly #ids = new ToolCallIds();

  constructor(exact: unknown, notes: TranslationNotes) {
    this.#exact = Array.isArray(exact) ? exact : [];
    this.#notes = notes;
  }

  system(placed: Placed, index: number): JsonObject {
    this.#dropOthers(placed.value, plainKeys);
    return { role: 'system', content: this.#texts(placed, index) };
  }

  user({ value: message, param }: Placed, index: number): JsonObject {
    this.#dropOthers(message, plainKeys);
    const content = inputContent(message.content, this.#exactContent(index), `${param}.content`, this.#notes);
    return { role: 'user', content };
  }

  assistant(placed: Placed, index: number): JsonObject {
    const { value: message, param } = placed;
    this.#dropOthers(message, assistantKeys);
    const said = isAbsent(message.content) ? message.refusal : message.content;
    const calls = this.#toolCalls(message.tool_calls, `${param}.tool_calls`);
    if (isAbsent(said) && calls.length === 0) throw invalid(`${param}.content`, 'some content');
    return {
      role: 'assistant',
      ...(!isAbsent(said) && { content: this.#texts(placed, index, said) }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(typeof message.prefix === 'boolean' && { prefix: message.prefix }),
    };
  }

  #toolCalls(calls: unknown, param: string): JsonObject[] {
    return placedToolCalls(calls, param).map((call) => {
      this.#notes.dropOthers(call.value, callKeys, 'body.messages[].tool_calls[]');
      const { name, argumentsJson } = calledFunction(call, this.#notes);
      const id = this.#id(call.value.id, `${call.param}.id`);
      return { id, type: 'function', function: { name, arguments: argumentsJson } };
    });
  }

  tool(placed: Placed, index: number): JsonObject {
    const { value: message, param } = placed;
    this.#dropOthers(message, toolKeys);
    return {
      role: 'tool',
      tool_call_id: this.#id(message.tool_call_id, `${param}.tool_call_id`),
      ...(typeof message.name === 'string' && { name: message.name }),
      content: isAbsent(message.content) ? '' : this.#texts(placed, index),
    };
  }

  #texts({ value, param }: Placed, index: number, said = value.content): string | JsonObject[] {
    return textContent(said, this.#exactContent(index), `${param}.content`, this.#notes);
  }

  #exactContent(index: number): unknown {
    const exact = this.#exact[index];
    return isObject(exact) ? exact.content : undefined;
  }

  #id(given: unknown, param: string): string {
    if (typeof given !== 'string' || given === '') throw invalid(param, 'an id');
    return this.#ids.idFor(given);
  }

  #dropOthers(message: JsonObject, names: ReadonlySet<string>): void {
    this.#notes.dropOthers(message, names, 'body.messages[]');
  }
}
