import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import { parseFlag } from '../../chat/parse-values.ts';
import type { LineNotes } from '../notes.ts';
import { textOrParts } from '../text-or-parts.ts';
import { blocksOf, inputParts, textOnly, textParts } from './content-blocks.ts';

/** `system` and `messages` -> chat messages, and where each comes from. */
export function conversationFrom(params: JsonObject, notes: LineNotes): { messages: JsonObject[]; origins: string[] } {
  const conversation = new Conversation(notes);
  if (!isAbsent(params.system)) conversation.addSystem(params.system, 'system');
  const { messages } = params;
  if (!Array.isArray(messages)) throw notes.invalid('messages', 'an array of messages');
  messages.forEach((message: unknown, index) => {
    if (!isObject(message)) throw notes.invalid(`messages[${index}]`, 'an object');
    conversation.add(message, `messages[${index}]`);
  });
  return conversation.finish();
}

const messageKeys: ReadonlySet<string> = new Set(['role', 'content']);
const resultKeys: ReadonlySet<string> = new Set(['type', 'tool_use_id', 'content', 'is_error']);
const callKeys: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input']);
/** The model itself calls unless code of its own does. */
const directCallKeys: ReadonlySet<string> = new Set([...callKeys, 'caller']);

class Conversation {
  readonly #notes: LineNotes;
  readonly #messages: JsonObject[] = [];
  readonly #origins: string[] = [];

  constructor(notes: LineNotes) {
    this.#notes = notes;
  }

  add(message: JsonObject, place: string): void {
    this.#notes.dropOthers(message, messageKeys, 'messages[]');
    switch (message.role) {
      case 'system':
        this.addSystem(message.content, `${place}.content`);
        break;
      case 'user':
        this.#addUser(message.content, place);
        break;
      case 'assistant':
        this.#addAssistant(message.content, place);
        break;
      default:
        throw this.#notes.invalid(`${place}.role`, "'user' or 'assistant'");
    }
  }

  finish(): { messages: JsonObject[]; origins: string[] } {
    const last = this.#messages.at(-1);
    if (!last || this.#messages.every(({ role }) => role === 'system'))
      throw this.#notes.invalid('messages', 'at least one message with content');
    if (last.role === 'assistant')
      this.#notes.change(
        this.#origins.at(-1) ?? 'messages',
        'a chat completion answers it instead of going on with it',
      );
    return { messages: this.#messages, origins: this.#origins };
  }

  addSystem(content: unknown, place: string): void {
    const parts = textParts(content, place, this.#notes);
    if (parts.length > 0) this.#push({ role: 'system', content: textOrParts(parts) }, place);
  }

  /** Results of tools come first: they answer the message before. */
  #addUser(content: unknown, place: string): void {
    if (typeof content === 'string') {
      this.#push({ role: 'user', content }, place);
      return;
    }
    const parts: JsonObject[] = [];
    for (const [block, at] of blocksOf(content, `${place}.content`, this.#notes)) {
      if (block.type === 'tool_result') parts.push(...this.#addToolResult(block, at));
      else parts.push(...inputParts(block, at, this.#notes));
    }
    if (parts.length > 0) this.#push({ role: 'user', content: textOrParts(parts) }, place);
  }

  /** @returns what a tool message cannot hold. */
  #addToolResult(block: JsonObject, place: string): JsonObject[] {
    const { tool_use_id, content, is_error } = block;
    this.#notes.dropOthers(block, resultKeys, 'messages[].content[]');
    if (typeof tool_use_id !== 'string') throw this.#notes.invalid(`${place}.tool_use_id`, 'a string');
    if (parseFlag(is_error, this.#notes.param(`${place}.is_error`)))
      this.#notes.drop('messages[].content[].is_error', 'what went wrong stands in its content');
    const parts = toolResultParts(content, `${place}.content`, this.#notes);
    const texts = parts.filter(({ type }) => type === 'text');
    const others = parts.filter(({ type }) => type !== 'text');
    if (others.length > 0)
      this.#notes.change('messages[].content[].content', 'what is no text follows in a message of the user');
    this.#push({ role: 'tool', tool_call_id: tool_use_id, content: textOrParts(texts) }, place);
    return others;
  }

  #addAssistant(content: unknown, place: string): void {
    if (typeof content === 'string') {
      this.#push({ role: 'assistant', content }, place);
      return;
    }
    const texts: JsonObject[] = [];
    const calls: JsonObject[] = [];
    for (const [block, at] of blocksOf(content, `${place}.content`, this.#notes)) {
      if (block.type === 'tool_use') calls.push(this.#toolCall(block, at));
      else if (block.type === 'thinking' || block.type === 'redacted_thinking')
        this.#notes.drop('messages[].content[].thinking', 'chat completions keep no thinking of earlier turns');
      else texts.push(...textOnly(block, at, this.#notes));
    }
    if (texts.length + calls.length === 0) return;
    const said = texts.length > 0 ? textOrParts(texts) : null;
    this.#push({ role: 'assistant', content: said, ...(calls.length > 0 && { tool_calls: calls }) }, place);
  }

  #toolCall(block: JsonObject, place: string): JsonObject {
    const { id, name, input } = block;
    const isDirect = isObject(block.caller) && block.caller.type === 'direct';
    this.#notes.dropOthers(block, isDirect ? directCallKeys : callKeys, 'messages[].content[]');
    if (typeof id !== 'string') throw this.#notes.invalid(`${place}.id`, 'a string');
    if (typeof name !== 'string') throw this.#notes.invalid(`${place}.name`, 'a string');
    return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
  }

  #push(message: JsonObject, origin: string): void {
    this.#messages.push(message);
    this.#origins.push(origin);
  }
}

function toolResultParts(content: unknown, place: string, notes: LineNotes): JsonObject[] {
  if (isAbsent(content)) return [];
  if (typeof content === 'string') return textParts(content, place, notes);
  return blocksOf(content, place, notes).flatMap(([block, at]) => inputParts(block, at, notes));
}
