import { isAbsent } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import {
  argumentsFrom,
  calledFunction,
  type MessageReader,
  type Placed,
  placedToolCalls,
  readMessages,
} from '../shared/chat/chat-messages.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { type InputPart, inputParts, type Surface, textsOf } from './parts.ts';

/** Chat messages -> `systemInstruction` and `contents`. Source: @google/genai 3.1 `Content`, `Part`. */

interface FunctionCallPart {
  functionCall: { id: string; name: string; args: object };
  thoughtSignature?: string;
}

interface FunctionResponsePart {
  functionResponse: { id: string; name: string; response: { output: string } };
}

interface Content {
  role: 'user' | 'model';
  parts: (InputPart | FunctionCallPart | FunctionResponsePart)[];
}

export interface Conversation {
  systemInstruction: { parts: { text: string }[] } | undefined;
  contents: Content[];
}

export interface ConversationOptions {
  surface: Surface;
  wantsThoughtSignatures: boolean;
}

export function conversationFrom(
  messages: unknown,
  options: ConversationOptions,
  notes: TranslationNotes,
): Conversation {
  const builder = new ConversationBuilder(options, notes);
  readMessages(messages, builder, notes);
  return builder.finish();
}

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id']);
const callKeys: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index', 'extra_content']);

class ConversationBuilder implements MessageReader {
  readonly #options: ConversationOptions;
  readonly #notes: TranslationNotes;
  readonly #system: { text: string }[] = [];
  readonly #contents: Content[] = [];
  readonly #functionByCallId = new Map<string, string>();
  /** The content that gathers the results of one turn's calls: Gemini wants them together. */
  #openResults: Content | null = null;

  constructor(options: ConversationOptions, notes: TranslationNotes) {
    this.#options = options;
    this.#notes = notes;
  }

  finish(): Conversation {
    if (this.#contents.length === 0) throw invalid('body.messages', 'at least one user message');
    return {
      systemInstruction: this.#system.length > 0 ? { parts: this.#system } : undefined,
      contents: this.#contents,
    };
  }

  system({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, plainKeys, 'body.messages[]');
    if (this.#contents.length > 0)
      this.#notes.change(param, 'Gemini takes system messages before the conversation only');
    for (const text of textsOf(message.content, `${param}.content`, this.#notes)) this.#system.push({ text });
  }

  user({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, plainKeys, 'body.messages[]');
    const parts = inputParts(message.content, `${param}.content`, this.#options.surface, this.#notes);
    this.#push({ role: 'user', parts }, param);
  }

  assistant({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, assistantKeys, 'body.messages[]');
    const content = isAbsent(message.content) ? message.refusal : message.content;
    const texts = textsOf(content, `${param}.content`, this.#notes).map((text) => ({ text }));
    this.#push({ role: 'model', parts: [...texts, ...this.#calls(message.tool_calls, `${param}.tool_calls`)] }, param);
  }

  #push(content: Content, param: string): void {
    if (content.parts.length === 0) throw invalid(`${param}.content`, 'some content');
    this.#contents.push(content);
    this.#openResults = null;
  }

  #calls(calls: unknown, param: string): FunctionCallPart[] {
    return placedToolCalls(calls, param).map((call, index) => {
      this.#notes.dropOthers(call.value, callKeys, 'body.messages[].tool_calls[]');
      const part = callPart(call, this.#notes);
      this.#functionByCallId.set(part.functionCall.id, part.functionCall.name);
      return this.#signed(part, call.value, index === 0);
    });
  }

  #signed(part: FunctionCallPart, call: JsonObject, isFirst: boolean): FunctionCallPart {
    const thoughtSignature = signatureOf(call);
    if (thoughtSignature !== null) return { ...part, thoughtSignature };
    return isFirst && this.#options.wantsThoughtSignatures ? { ...part, thoughtSignature: noSignature } : part;
  }

  tool({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, toolKeys, 'body.messages[]');
    const id = message.tool_call_id;
    const name = typeof id === 'string' ? this.#functionByCallId.get(id) : undefined;
    if (typeof id !== 'string' || name === undefined) throw invalid(`${param}.tool_call_id`, 'the id of a call above');
    const output = textsOf(message.content, `${param}.content`, this.#notes).join('');
    if (!this.#openResults) {
      this.#openResults = { role: 'user', parts: [] };
      this.#contents.push(this.#openResults);
    }
    this.#openResults.parts.push({ functionResponse: { id, name, response: { output } } });
  }
}

/**
 * Stands where the signature of a thought is unknown, as for calls of another provider's model: Gemini 3 refuses a call
 * without any. Source: https://ai.google.dev/gemini-api/docs/thought-signatures (FAQ), from memory. Unconfirmed.
 */
const noSignature = 'skip_thought_signature_validator';

/** Where our answers, as those of Google's OpenAI-compatible API, keep it. */
function signatureOf(call: JsonObject): string | null {
  const google = isObject(call.extra_content) ? call.extra_content.google : undefined;
  const signature = isObject(google) ? google.thought_signature : undefined;
  return typeof signature === 'string' && signature !== '' ? signature : null;
}

function callPart(call: Placed, notes: TranslationNotes): FunctionCallPart {
  const { name, argumentsJson } = calledFunction(call, notes);
  const { id } = call.value;
  if (typeof id !== 'string' || id === '') throw invalid(`${call.param}.id`, 'a string');
  return { functionCall: { id, name, args: argumentsFrom(argumentsJson, call) } };
}
