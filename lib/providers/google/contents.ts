import { isObject, type JsonObject } from '../../core/request-line.ts';
import { change, isAbsent } from '../anthropic/dropped-parameters.ts';
import { invalid } from '../anthropic/untranslatable-error.ts';
import { parseExact } from '../exact-json.ts';
import { type InputPart, inputParts, type Surface, textsOf } from './parts.ts';
import { leaveOutOthers, unsupported, type Warnings } from './untranslatable.ts';

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
  chatMessages: unknown,
  options: ConversationOptions,
  warnings: Warnings,
): Conversation {
  if (!Array.isArray(chatMessages)) throw invalid('body.messages', 'an array of messages');
  const builder = new ConversationBuilder(options, warnings);
  chatMessages.forEach((message: unknown, index) => {
    const param = `body.messages[${index}]`;
    if (!isObject(message)) throw invalid(param, 'an object');
    builder.add(message, param);
  });
  return builder.finish();
}

class ConversationBuilder {
  readonly #options: ConversationOptions;
  readonly #warnings: Warnings;
  readonly #system: { text: string }[] = [];
  readonly #contents: Content[] = [];
  readonly #functionByCallId = new Map<string, string>();
  /** The content that gathers the results of one turn's calls: Gemini wants them together. */
  #openResults: Content | null = null;

  constructor(options: ConversationOptions, warnings: Warnings) {
    this.#options = options;
    this.#warnings = warnings;
  }

  add(message: JsonObject, param: string): void {
    switch (message.role) {
      case 'system':
      case 'developer':
        this.#addSystem(message, param);
        break;
      case 'user':
        this.#addUser(message, param);
        break;
      case 'assistant':
        this.#addAssistant(message, param);
        break;
      case 'tool':
        this.#addToolResult(message, param);
        break;
      case 'function':
        throw unsupported(param, "write the deprecated 'function' messages as 'tool' messages");
      default:
        throw invalid(`${param}.role`, "'system', 'developer', 'user', 'assistant' or 'tool'");
    }
  }

  finish(): Conversation {
    if (this.#contents.length === 0) throw invalid('body.messages', 'at least one user message');
    return {
      systemInstruction: this.#system.length > 0 ? { parts: this.#system } : undefined,
      contents: this.#contents,
    };
  }

  #addSystem(message: JsonObject, param: string): void {
    leaveOutOthers(message, ['role', 'content'], 'body.messages[]', this.#warnings);
    if (this.#contents.length > 0)
      change(param, this.#warnings, 'Gemini takes system messages before the conversation only');
    for (const text of textsOf(message.content, `${param}.content`, this.#warnings)) this.#system.push({ text });
  }

  #addUser(message: JsonObject, param: string): void {
    leaveOutOthers(message, ['role', 'content'], 'body.messages[]', this.#warnings);
    const parts = inputParts(message.content, `${param}.content`, this.#options.surface, this.#warnings);
    this.#push({ role: 'user', parts }, param);
  }

  #addAssistant(message: JsonObject, param: string): void {
    leaveOutOthers(message, ['role', 'content', 'refusal', 'tool_calls'], 'body.messages[]', this.#warnings);
    const content = isAbsent(message.content) ? message.refusal : message.content;
    const texts = textsOf(content, `${param}.content`, this.#warnings).map((text) => ({ text }));
    this.#push({ role: 'model', parts: [...texts, ...this.#calls(message.tool_calls, `${param}.tool_calls`)] }, param);
  }

  #push(content: Content, param: string): void {
    if (content.parts.length === 0) throw invalid(`${param}.content`, 'some content');
    this.#contents.push(content);
    this.#openResults = null;
  }

  #calls(calls: unknown, param: string): FunctionCallPart[] {
    if (isAbsent(calls)) return [];
    if (!Array.isArray(calls)) throw invalid(param, 'an array of tool calls');
    return calls.map((call: unknown, index) => {
      if (!isObject(call)) throw invalid(`${param}[${index}]`, 'an object');
      leaveOutOthers(call, callKeys, 'body.messages[].tool_calls[]', this.#warnings);
      const part = callPart(call, `${param}[${index}]`);
      this.#functionByCallId.set(part.functionCall.id, part.functionCall.name);
      return this.#signed(part, call, index === 0);
    });
  }

  #signed(part: FunctionCallPart, call: JsonObject, isFirst: boolean): FunctionCallPart {
    const thoughtSignature = signatureOf(call);
    if (thoughtSignature !== null) return { ...part, thoughtSignature };
    return isFirst && this.#options.wantsThoughtSignatures ? { ...part, thoughtSignature: noSignature } : part;
  }

  #addToolResult(message: JsonObject, param: string): void {
    leaveOutOthers(message, ['role', 'content', 'tool_call_id'], 'body.messages[]', this.#warnings);
    const id = message.tool_call_id;
    const name = typeof id === 'string' ? this.#functionByCallId.get(id) : undefined;
    if (typeof id !== 'string' || name === undefined) throw invalid(`${param}.tool_call_id`, 'the id of a call above');
    const output = textsOf(message.content, `${param}.content`, this.#warnings).join('');
    if (!this.#openResults) {
      this.#openResults = { role: 'user', parts: [] };
      this.#contents.push(this.#openResults);
    }
    this.#openResults.parts.push({ functionResponse: { id, name, response: { output } } });
  }
}

const callKeys = ['id', 'type', 'function', 'index', 'extra_content'];

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

function callPart(call: JsonObject, param: string): FunctionCallPart {
  if (call.type === 'custom') throw unsupported(param, 'custom tools take free text; use a function');
  if (typeof call.id !== 'string' || call.id === '') throw invalid(`${param}.id`, 'a string');
  const called = call.function;
  if (!isObject(called) || typeof called.name !== 'string') throw invalid(`${param}.function.name`, 'a string');
  const args = isAbsent(called.arguments) || called.arguments === '' ? '{}' : called.arguments;
  if (typeof args !== 'string') throw invalid(`${param}.function.arguments`, 'JSON in a string');
  return { functionCall: { id: call.id, name: called.name, args: argsFrom(args, `${param}.function.arguments`) } };
}

/** The arguments with their numbers as the model wrote them. */
function argsFrom(text: string, param: string): object {
  const args = tryParse(text);
  if (!isObject(args)) throw invalid(param, 'a JSON object in a string');
  return args;
}

function tryParse(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
