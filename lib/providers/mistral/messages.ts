import { isObject, type JsonObject } from '../../core/request-line.ts';
import { invalid } from '../anthropic/untranslatable-error.ts';
import { isAbsent } from '../translation/notes.ts';
import type { TranslationNotes } from '../translation-notes.ts';
import { inputContent, textContent } from './content.ts';
import { ToolCallIds } from './tool-call-ids.ts';

/**
 * Chat messages -> Mistral's, one for one. Source: @mistralai/mistralai 2.7 `SystemMessage`, `UserMessage`,
 * `AssistantMessage`, `ToolMessage`.
 *
 * @param exact the same with their numbers as they were written.
 */
export function messagesFrom(messages: unknown, exact: unknown, notes: TranslationNotes): JsonObject[] {
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('body.messages', 'an array of messages');
  const translation = new MessageTranslation(notes);
  return messages.map((message: unknown, index) => {
    const param = `body.messages[${index}]`;
    if (!isObject(message)) throw invalid(param, 'an object');
    const exactMessage: unknown = Array.isArray(exact) ? exact[index] : undefined;
    return translation.message(message, isObject(exactMessage) ? exactMessage : message, param);
  });
}

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls', 'prefix']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id', 'name']);
const callKeys: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index']);

class MessageTranslation {
  readonly #notes: TranslationNotes;
  readonly #ids = new ToolCallIds();

  constructor(notes: TranslationNotes) {
    this.#notes = notes;
  }

  message(message: JsonObject, exact: JsonObject, param: string): JsonObject {
    switch (message.role) {
      case 'system':
      case 'developer':
        return { role: 'system', content: this.#plainText(message, param) };
      case 'user':
        this.#dropOthers(message, plainKeys);
        return { role: 'user', content: inputContent(message.content, exact.content, `${param}.content`, this.#notes) };
      case 'assistant':
        return this.#assistant(message, param);
      case 'tool':
        return this.#toolResult(message, param);
      case 'function':
        throw this.#notes.unsupported(param, "write the deprecated 'function' messages as 'tool' messages");
      default:
        throw invalid(`${param}.role`, "'system', 'developer', 'user', 'assistant' or 'tool'");
    }
  }

  #plainText(message: JsonObject, param: string): unknown {
    this.#dropOthers(message, plainKeys);
    return textContent(message.content, `${param}.content`, this.#notes);
  }

  #assistant(message: JsonObject, param: string): JsonObject {
    this.#dropOthers(message, assistantKeys);
    const said = isAbsent(message.content) ? message.refusal : message.content;
    const calls = this.#toolCalls(message.tool_calls, `${param}.tool_calls`);
    if (isAbsent(said) && calls.length === 0) throw invalid(`${param}.content`, 'some content');
    return {
      role: 'assistant',
      ...(!isAbsent(said) && { content: textContent(said, `${param}.content`, this.#notes) }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(typeof message.prefix === 'boolean' && { prefix: message.prefix }),
    };
  }

  #toolCalls(calls: unknown, param: string): JsonObject[] {
    if (isAbsent(calls)) return [];
    if (!Array.isArray(calls)) throw invalid(param, 'an array of tool calls');
    return calls.map((call: unknown, index) => {
      const place = `${param}[${index}]`;
      if (!isObject(call)) throw invalid(place, 'an object');
      if (call.type === 'custom') throw this.#notes.unsupported(place, 'custom tools take free text; use a function');
      this.#notes.dropOthers(call, callKeys, 'body.messages[].tool_calls[]');
      return { id: this.#id(call.id, `${place}.id`), type: 'function', function: calledFunction(call, place) };
    });
  }

  #toolResult(message: JsonObject, param: string): JsonObject {
    this.#dropOthers(message, toolKeys);
    return {
      role: 'tool',
      tool_call_id: this.#id(message.tool_call_id, `${param}.tool_call_id`),
      ...(typeof message.name === 'string' && { name: message.name }),
      content: isAbsent(message.content) ? '' : textContent(message.content, `${param}.content`, this.#notes),
    };
  }

  #id(given: unknown, param: string): string {
    if (typeof given !== 'string' || given === '') throw invalid(param, 'an id');
    return this.#ids.idFor(given);
  }

  #dropOthers(message: JsonObject, names: ReadonlySet<string>): void {
    this.#notes.dropOthers(message, names, 'body.messages[]');
  }
}

function calledFunction(call: JsonObject, param: string): JsonObject {
  const called = call.function;
  if (!isObject(called) || typeof called.name !== 'string') throw invalid(`${param}.function.name`, 'a string');
  if (!isAbsent(called.arguments) && typeof called.arguments !== 'string')
    throw invalid(`${param}.function.arguments`, 'JSON in a string');
  return { name: called.name, arguments: called.arguments || '{}' };
}
