import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
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
import { type InputBlock, inputBlocks, type TextBlock, textBlocks } from './content-blocks.ts';

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

export function conversationFrom(messages: unknown, notes: TranslationNotes): Conversation {
  const builder = new ConversationBuilder(notes);
  readMessages(messages, builder, notes);
  return builder.finish();
}

// As Anthropic checks them; a line that breaks this comes back as an error a day later.
const toolUseId = /^[a-zA-Z0-9_-]+$/;

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id']);

class ConversationBuilder implements MessageReader {
  readonly #notes: TranslationNotes;
  readonly #system: TextBlock[] = [];
  readonly #messages: MessageParam[] = [];
  /** Results of tools at the end of the conversation: what the user says next goes into the same message. */
  #openResults: (InputBlock | ToolResultBlock)[] | null = null;

  constructor(notes: TranslationNotes) {
    this.#notes = notes;
  }

  finish(): Conversation {
    if (this.#messages.length === 0) throw invalid('body.messages', 'at least one user message');
    return { system: this.#systemPrompt(), messages: this.#messages };
  }

  #systemPrompt(): Conversation['system'] {
    const [first, ...others] = this.#system;
    return first && others.length === 0 ? first.text : first && this.#system;
  }

  system({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, plainKeys, 'body.messages[]');
    if (this.#messages.length > 0)
      this.#notes.change(param, 'Anthropic takes system messages before the conversation only');
    this.#system.push(...textBlocks(message.content, `${param}.content`, this.#notes));
  }

  user({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, plainKeys, 'body.messages[]');
    const blocks = inputBlocks(message.content, `${param}.content`, this.#notes);
    if (blocks.length === 0) throw invalid(`${param}.content`, 'some content');
    if (this.#openResults) this.#openResults.push(...blocks);
    else this.#messages.push({ role: 'user', content: plainIfString(message.content, blocks) });
    this.#openResults = null;
  }

  assistant({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, assistantKeys, 'body.messages[]');
    const content = isAbsent(message.content) ? message.refusal : message.content;
    const texts = isAbsent(content) ? [] : textBlocks(content, `${param}.content`, this.#notes);
    const calls = toolUses(message.tool_calls, `${param}.tool_calls`, this.#notes);
    if (texts.length + calls.length === 0) throw invalid(`${param}.content`, 'some content');
    this.#messages.push({
      role: 'assistant',
      content: calls.length > 0 ? [...texts, ...calls] : plainIfString(content, texts),
    });
    this.#openResults = null;
  }

  tool({ value: message, param }: Placed): void {
    this.#notes.dropOthers(message, toolKeys, 'body.messages[]');
    const result = toolResult(message, param, this.#notes);
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

function toolUses(calls: unknown, param: string, notes: TranslationNotes): ToolUseBlock[] {
  return placedToolCalls(calls, param).map((call) => {
    notes.dropOthers(call.value, callKeys, 'body.messages[].tool_calls[]');
    const { name, argumentsJson } = calledFunction(call, notes);
    const id = toolId(call.value.id, `${call.param}.id`);
    return { type: 'tool_use', id, name, input: argumentsFrom(argumentsJson, call) };
  });
}

function toolId(id: unknown, param: string): string {
  if (typeof id !== 'string' || !toolUseId.test(id)) throw invalid(param, 'an id of letters, digits, _ and -');
  return id;
}

function toolResult(message: JsonObject, param: string, notes: TranslationNotes): ToolResultBlock {
  const id = toolId(message.tool_call_id, `${param}.tool_call_id`);
  const blocks = isAbsent(message.content) ? [] : textBlocks(message.content, `${param}.content`, notes);
  const content = plainIfString(message.content, blocks);
  return { type: 'tool_result', tool_use_id: id, ...(content.length > 0 ? { content } : {}) };
}
