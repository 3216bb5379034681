import { parseExact } from '../../../lines/exact-json.ts';
import { isAbsent } from '../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';
import type { ChatBody } from './chat-body.ts';
import type {
  AssistantMessage,
  ChatAbilities,
  ChatMessage,
  SpokenPart,
  SystemMessage,
  ToolCall,
  ToolMessage,
  UserMessage,
} from './chat-request.ts';
import { ContentParser } from './parse-content.ts';
import { parseFlag, parseText } from './parse-values.ts';
import { objectsOf } from './placed-objects.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

export function parseMessages(source: ChatBody, abilities: ChatAbilities, notes: TranslationNotes): ChatMessage[] {
  return new MessageParser(source, abilities, notes).parse(source.body.messages);
}

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id']);
const callKeys: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index']);
const calledKeys: ReadonlySet<string> = new Set(['name', 'arguments']);

class MessageParser {
  readonly #members: ReadonlySet<string> | undefined;
  readonly #content: ContentParser;
  readonly #notes: TranslationNotes;

  constructor(source: ChatBody, abilities: ChatAbilities, notes: TranslationNotes) {
    this.#members = abilities.members;
    this.#content = new ContentParser(source, abilities, notes);
    this.#notes = notes;
  }

  parse(messages: unknown): ChatMessage[] {
    return objectsOf(messages, 'body.messages', 'an array of messages', (message, param, index) =>
      this.#message(message, param, index),
    );
  }

  #message(message: JsonObject, param: string, index: number): ChatMessage {
    switch (message.role) {
      case 'system':
      case 'developer':
        return this.#system(message, param, index);
      case 'user':
        return this.#user(message, param, index);
      case 'assistant':
        return this.#assistant(message, param, index);
      case 'tool':
        return this.#tool(message, param, index);
      case 'function':
        throw this.#notes.unsupported(param, "write the deprecated 'function' messages as 'tool' messages");
      default:
        throw invalid(`${param}.role`, "'system', 'developer', 'user', 'assistant' or 'tool'");
    }
  }

  #system(message: JsonObject, param: string, index: number): SystemMessage {
    this.#notes.dropOthers(message, plainKeys, 'body.messages[]');
    return { role: 'system', param, content: this.#spoken(message.content, param, index) ?? '' };
  }

  #user(message: JsonObject, param: string, index: number): UserMessage {
    this.#notes.dropOthers(message, plainKeys, 'body.messages[]');
    return { role: 'user', param, content: this.#content.input(message.content, `${param}.content`, index) };
  }

  #assistant(message: JsonObject, param: string, index: number): AssistantMessage {
    this.#dropOthers(message, assistantKeys, 'body.messages[]', 'assistant');
    return {
      role: 'assistant',
      param,
      content: this.#saidOrRefused(message, param, index),
      calls: this.#calls(message.tool_calls, `${param}.tool_calls`),
      prefix: this.#members?.has('assistant.prefix') ? parseFlag(message.prefix, `${param}.prefix`) : null,
    };
  }

  #tool(message: JsonObject, param: string, index: number): ToolMessage {
    this.#dropOthers(message, toolKeys, 'body.messages[]', 'tool');
    return {
      role: 'tool',
      param,
      callId: idOf(message.tool_call_id, `${param}.tool_call_id`),
      content: this.#spoken(message.content, param, index) ?? '',
      name: this.#members?.has('tool.name') ? parseText(message.name, `${param}.name`) : null,
    };
  }

  /** What it said, and then what it refused. */
  #saidOrRefused(message: JsonObject, param: string, index: number): AssistantMessage['content'] {
    const said = this.#spoken(message.content, param, index);
    const refusal = parseText(message.refusal, `${param}.refusal`);
    if (refusal === null || said === null || said === '') return refusal ?? said;
    const parts: readonly SpokenPart[] = typeof said === 'string' ? [{ type: 'text', param, text: said }] : said;
    return [...parts, { type: 'text', param: `${param}.refusal`, text: refusal }];
  }

  #spoken(content: unknown, param: string, index: number) {
    return isAbsent(content) ? null : this.#content.spoken(content, `${param}.content`, index);
  }

  #calls(calls: unknown, param: string): readonly ToolCall[] {
    if (isAbsent(calls)) return noCalls;
    return objectsOf(calls, param, 'an array of tool calls', (call, place) => this.#call(call, place));
  }

  #call(call: JsonObject, param: string): ToolCall {
    if (call.type === 'custom') throw this.#notes.unsupported(param, 'custom tools take free text; use a function');
    this.#dropOthers(call, callKeys, 'body.messages[].tool_calls[]', 'call');
    const called = call.function;
    if (!isObject(called) || typeof called.name !== 'string') throw invalid(`${param}.function.name`, 'a string');
    if (!isAbsent(called.arguments) && typeof called.arguments !== 'string')
      throw invalid(`${param}.function.arguments`, 'JSON in a string');
    this.#notes.dropOthers(called, calledKeys, 'body.messages[].tool_calls[].function');
    const argumentsJson = called.arguments || '{}';
    return {
      param,
      id: idOf(call.id, `${param}.id`),
      name: called.name,
      argumentsJson,
      readArguments: () => argumentsFrom(argumentsJson, param),
      thoughtSignature: this.#members?.has('call.extra_content') ? thoughtSignatureOf(call, param) : null,
    };
  }

  #dropOthers(value: JsonObject, names: ReadonlySet<string>, place: string, whose: string): void {
    for (const name in value) {
      if (names.has(name) || this.#members?.has(`${whose}.${name}`)) continue;
      if (!isAbsent(value[name])) this.#notes.drop(`${place}.${name}`);
    }
  }
}

const noCalls: readonly ToolCall[] = [];

function idOf(id: unknown, param: string): string {
  if (typeof id !== 'string' || id === '') throw invalid(param, 'an id');
  return id;
}

function argumentsFrom(json: string, param: string): JsonObject {
  const parsed = tryParse(json);
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

/** Where our answers, as those of Google's OpenAI-compatible API, keep it. */
function thoughtSignatureOf(call: JsonObject, param: string): string | null {
  const google = isObject(call.extra_content) ? call.extra_content.google : undefined;
  const signature = isObject(google) ? google.thought_signature : undefined;
  return parseText(signature, `${param}.extra_content.google.thought_signature`) || null;
}
