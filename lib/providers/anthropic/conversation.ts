import { isObject, type JsonObject } from '../../core/request-line.ts';
import { parseExact } from '../exact-json.ts';
import type { Warning } from '../provider.ts';
import { type InputBlock, inputBlocks, type TextBlock, textBlocks } from './content-blocks.ts';
import { change, isAbsent, warnOfOthers } from './dropped-parameters.ts';
import { invalid, unsupported } from './untranslatable-error.ts';

/**
 * Chat messages -> `system` and `messages`. Sources: https://platform.claude.com/docs/en/api/messages and
 * https://platform.claude.com/docs/en/api/openai-sdk (how Anthropic itself reads OpenAI's messages).
 */

interface ToolUseBlock {
  type: 'tool_use';
  id: string;
  name: string;
  input: object;
}

interface ToolResultBlock {
  type: 'tool_result';
  tool_use_id: string;
  content?: string | TextBlock[];
}

interface MessageParam {
  role: 'user' | 'assistant';
  content: string | (InputBlock | ToolUseBlock | ToolResultBlock)[];
}

export interface Conversation {
  system: string | TextBlock[] | undefined;
  messages: MessageParam[];
}

export function conversationFrom(chatMessages: unknown, warnings: Map<string, Warning>): Conversation {
  const param = 'body.messages';
  if (!Array.isArray(chatMessages)) throw invalid(param, 'an array of messages');
  const builder = new ConversationBuilder(warnings);
  chatMessages.forEach((message: unknown, index) => {
    if (!isObject(message)) throw invalid(`${param}[${index}]`, 'an object');
    builder.add(message, `${param}[${index}]`);
  });
  return builder.finish();
}

// As Anthropic checks them; a line that breaks this comes back as an error a day later.
const toolUseId = /^[a-zA-Z0-9_-]+$/;

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id']);

class ConversationBuilder {
  readonly #warnings: Map<string, Warning>;
  readonly #system: TextBlock[] = [];
  readonly #messages: MessageParam[] = [];
  /** Results of tools at the end of the conversation: what the user says next goes into the same message. */
  #openResults: (InputBlock | ToolResultBlock)[] | null = null;

  constructor(warnings: Map<string, Warning>) {
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
    if (this.#messages.length === 0) throw invalid('body.messages', 'at least one user message');
    return { system: this.#systemPrompt(), messages: this.#messages };
  }

  #systemPrompt(): Conversation['system'] {
    const [first, ...others] = this.#system;
    return first && others.length === 0 ? first.text : first && this.#system;
  }

  #addSystem(message: JsonObject, param: string): void {
    warnOfOthers(message, plainKeys, 'body.messages[]', this.#warnings);
    if (this.#messages.length > 0)
      change(param, this.#warnings, 'Anthropic takes system messages before the conversation only');
    this.#system.push(...textBlocks(message.content, `${param}.content`, this.#warnings));
  }

  #addUser(message: JsonObject, param: string): void {
    warnOfOthers(message, plainKeys, 'body.messages[]', this.#warnings);
    const blocks = inputBlocks(message.content, `${param}.content`, this.#warnings);
    if (blocks.length === 0) throw invalid(`${param}.content`, 'some content');
    if (this.#openResults) this.#openResults.push(...blocks);
    else this.#messages.push({ role: 'user', content: plainIfString(message.content, blocks) });
    this.#openResults = null;
  }

  #addAssistant(message: JsonObject, param: string): void {
    warnOfOthers(message, assistantKeys, 'body.messages[]', this.#warnings);
    const content = isAbsent(message.content) ? message.refusal : message.content;
    const texts = isAbsent(content) ? [] : textBlocks(content, `${param}.content`, this.#warnings);
    const calls = toolUses(message.tool_calls, `${param}.tool_calls`, this.#warnings);
    if (texts.length + calls.length === 0) throw invalid(`${param}.content`, 'some content');
    this.#messages.push({
      role: 'assistant',
      content: calls.length > 0 ? [...texts, ...calls] : plainIfString(content, texts),
    });
    this.#openResults = null;
  }

  #addToolResult(message: JsonObject, param: string): void {
    warnOfOthers(message, toolKeys, 'body.messages[]', this.#warnings);
    const result = toolResult(message, param, this.#warnings);
    if (this.#openResults) this.#openResults.push(result);
    else {
      this.#openResults = [result];
      this.#messages.push({ role: 'user', content: this.#openResults });
    }
  }
}

function plainIfString<Block>(content: unknown, blocks: Block[]): string | Block[] {
  return typeof content === 'string' ? content : blocks;
}

const callKeys: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index']);

function toolUses(calls: unknown, param: string, warnings: Map<string, Warning>): ToolUseBlock[] {
  if (isAbsent(calls)) return [];
  if (!Array.isArray(calls)) throw invalid(param, 'an array of tool calls');
  return calls.map((call: unknown, index) => {
    if (!isObject(call)) throw invalid(`${param}[${index}]`, 'an object');
    warnOfOthers(call, callKeys, 'body.messages[].tool_calls[]', warnings);
    return toolUse(call, `${param}[${index}]`);
  });
}

function toolUse(call: JsonObject, param: string): ToolUseBlock {
  if (call.type === 'custom') throw unsupported(param, 'custom tools take free text; use a function');
  const called = call.function;
  if (!isObject(called) || typeof called.name !== 'string') throw invalid(`${param}.function.name`, 'a string');
  if (!isAbsent(called.arguments) && typeof called.arguments !== 'string')
    throw invalid(`${param}.function.arguments`, 'JSON in a string');
  const input = inputFrom(called.arguments || '{}', `${param}.function.arguments`);
  return { type: 'tool_use', id: toolId(call.id, `${param}.id`), name: called.name, input };
}

/** The arguments with their numbers as the model wrote them. */
function inputFrom(text: string, param: string): object {
  const input = tryParse(text);
  if (!isObject(input)) throw invalid(param, 'a JSON object in a string');
  return input;
}

function tryParse(text: string): unknown {
  try {
    return parseExact(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function toolId(id: unknown, param: string): string {
  if (typeof id !== 'string' || !toolUseId.test(id)) throw invalid(param, 'an id of letters, digits, _ and -');
  return id;
}

function toolResult(message: JsonObject, param: string, warnings: Map<string, Warning>): ToolResultBlock {
  const id = toolId(message.tool_call_id, `${param}.tool_call_id`);
  const blocks = isAbsent(message.content) ? [] : textBlocks(message.content, `${param}.content`, warnings);
  const content = plainIfString(message.content, blocks);
  return { type: 'tool_result', tool_use_id: id, ...(content.length > 0 ? { content } : {}) };
}
