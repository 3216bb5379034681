import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import type { LineNotes } from '../notes.ts';
import { textOrParts } from '../text-or-parts.ts';
import { inputParts, outputParts } from './content-parts.ts';

/** `instructions` and `input` -> chat messages, and where each comes from. */
export function conversationFrom(
  { instructions, input }: JsonObject,
  notes: LineNotes,
): { messages: JsonObject[]; origins: string[] } {
  const conversation = new Conversation(notes);
  if (!isAbsent(instructions)) conversation.addInstructions(instructions);
  if (typeof input === 'string') conversation.add({ role: 'user', content: input }, 'input');
  else if (Array.isArray(input))
    input.forEach((item: unknown, index) => {
      if (!isObject(item)) throw notes.invalid(`input[${index}]`, 'an object');
      conversation.add(item, `input[${index}]`);
    });
  else throw notes.invalid('input', 'a string or an array of items');
  return conversation.finish();
}

const messageKeys: ReadonlySet<string> = new Set(['type', 'role', 'content', 'id', 'status']);
const callKeys: ReadonlySet<string> = new Set(['type', 'call_id', 'name', 'arguments', 'input', 'id', 'status']);
const outputKeys: ReadonlySet<string> = new Set(['type', 'call_id', 'output', 'name', 'id', 'status']);

class Conversation {
  readonly #notes: LineNotes;
  readonly #messages: JsonObject[] = [];
  readonly #origins: string[] = [];
  /** The tool calls of the assistant's message at the end, which further calls join. */
  #openCalls: JsonObject[] | null = null;
  /** What outputs of tools hold besides text: it follows once all of them are there. */
  #leftovers: JsonObject[] = [];

  constructor(notes: LineNotes) {
    this.#notes = notes;
  }

  addInstructions(instructions: unknown): void {
    if (typeof instructions !== 'string') throw this.#notes.invalid('instructions', 'a string');
    if (instructions !== '') this.#push({ role: 'system', content: instructions }, 'instructions');
  }

  add(item: JsonObject, place: string): void {
    switch (item.type ?? 'message') {
      case 'message':
        this.#addMessage(item, place);
        break;
      case 'function_call':
      case 'custom_tool_call':
        this.#addCall(item, place);
        break;
      case 'function_call_output':
      case 'custom_tool_call_output':
        this.#addOutput(item, place);
        break;
      case 'reasoning':
        this.#notes.drop('input[].reasoning', 'chat completions keep no reasoning of earlier turns');
        break;
      case 'item_reference':
        throw this.#notes.unsupported(place, 'write the item itself');
      default:
        throw this.#notes.unsupported(`${place}.type`, 'write messages, function calls and their outputs');
    }
  }

  finish(): { messages: JsonObject[]; origins: string[] } {
    this.#pushLeftovers();
    if (this.#messages.length === 0) throw this.#notes.invalid('input', 'at least one message');
    return { messages: this.#messages, origins: this.#origins };
  }

  #addMessage(item: JsonObject, place: string): void {
    this.#notes.dropOthers(item, messageKeys, 'input[]');
    const { role, content } = item;
    const parts = this.#partsOf(role, content, place);
    this.#pushLeftovers();
    this.#openCalls = null;
    if (parts.length > 0) this.#push({ role, content: textOrParts(parts) }, place);
  }

  #partsOf(role: unknown, content: unknown, place: string): JsonObject[] {
    switch (role) {
      case 'assistant':
        return outputParts(content, `${place}.content`, this.#notes);
      case 'user':
        return inputParts(content, `${place}.content`, this.#notes);
      case 'system':
      case 'developer':
        return textsOnly(inputParts(content, `${place}.content`, this.#notes), place, this.#notes);
      default:
        throw this.#notes.invalid(`${place}.role`, "'user', 'assistant', 'system' or 'developer'");
    }
  }

  /** Calls that follow one another, or what the assistant said, were one answer. */
  #addCall(item: JsonObject, place: string): void {
    this.#dropOthers(item, callKeys);
    const call = toolCall(item, place, this.#notes);
    if (this.#openCalls) {
      this.#openCalls.push(call);
      return;
    }
    this.#pushLeftovers();
    this.#openCalls = [call];
    const last = this.#messages.at(-1);
    if (last?.role === 'assistant') last.tool_calls = this.#openCalls;
    else this.#push({ role: 'assistant', content: null, tool_calls: this.#openCalls }, place);
  }

  #addOutput(item: JsonObject, place: string): void {
    this.#dropOthers(item, outputKeys);
    const { call_id, output } = item;
    if (typeof call_id !== 'string') throw this.#notes.invalid(`${place}.call_id`, 'a string');
    const parts = inputParts(output, `${place}.output`, this.#notes);
    const others = parts.filter(({ type }) => type !== 'text');
    if (others.length > 0) this.#notes.change('input[].output', 'what is no text follows in a message of the user');
    this.#openCalls = null;
    const texts = parts.filter(({ type }) => type === 'text');
    this.#push({ role: 'tool', tool_call_id: call_id, content: textOrParts(texts) }, place);
    this.#leftovers.push(...others);
  }

  /** The model itself calls unless code of its own does. */
  #dropOthers(item: JsonObject, names: ReadonlySet<string>): void {
    const { caller, ...others } = item;
    const isDirect = isObject(caller) && caller.type === 'direct';
    this.#notes.dropOthers(isDirect ? others : item, names, 'input[]');
  }

  #pushLeftovers(): void {
    if (this.#leftovers.length > 0) this.#push({ role: 'user', content: this.#leftovers }, 'input[].output');
    this.#leftovers = [];
  }

  #push(message: JsonObject, origin: string): void {
    this.#messages.push(message);
    this.#origins.push(origin);
  }
}

function textsOnly(parts: JsonObject[], place: string, notes: LineNotes): JsonObject[] {
  if (parts.every(({ type }) => type === 'text')) return parts;
  throw notes.unsupported(`${place}.content`, 'only text can stand here');
}

function toolCall(item: JsonObject, place: string, notes: LineNotes): JsonObject {
  const { call_id, name } = item;
  if (typeof call_id !== 'string') throw notes.invalid(`${place}.call_id`, 'a string');
  if (typeof name !== 'string') throw notes.invalid(`${place}.name`, 'a string');
  if (item.type === 'custom_tool_call') return { id: call_id, type: 'custom', custom: { name, input: item.input } };
  return { id: call_id, type: 'function', function: { name, arguments: item.arguments } };
}
