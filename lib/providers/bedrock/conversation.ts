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
import { type Abilities, type InputBlock, inputBlocks, type TextBlock, textBlocks } from './content.ts';

/** Chat messages -> Converse's `system` and `messages`. Source: @aws-sdk/client-bedrock-runtime 3.1164 `ConverseRequest`. */

interface ToolUseBlock {
  toolUse: { toolUseId: string; name: string; input: JsonObject };
}

interface ToolResultBlock {
  toolResult: { toolUseId: string; content: TextBlock[] };
}

interface Turn {
  role: 'user' | 'assistant';
  content: (InputBlock | ToolUseBlock | ToolResultBlock)[];
}

export interface Conversation {
  system: TextBlock[];
  messages: Turn[];
}

export function conversationFrom(chatMessages: unknown, abilities: Abilities, notes: TranslationNotes): Conversation {
  const builder = new ConversationBuilder(abilities, notes);
  readMessages(chatMessages, builder, notes);
  return builder.finish();
}

export function callsTools({ messages }: Conversation): boolean {
  return messages.some(({ content }) => content.some((block) => 'toolUse' in block || 'toolResult' in block));
}

// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html, from memory.
const toolUseId = /^[a-zA-Z0-9_-]{1,64}$/;

const plainKeys: ReadonlySet<string> = new Set(['role', 'content']);
const assistantKeys: ReadonlySet<string> = new Set(['role', 'content', 'refusal', 'tool_calls']);
const toolKeys: ReadonlySet<string> = new Set(['role', 'content', 'tool_call_id']);
const callKeys: ReadonlySet<string> = new Set(['id', 'type', 'function', 'index']);

class ConversationBuilder implements MessageReader {
  readonly #abilities: Abilities;
  readonly #notes: TranslationNotes;
  readonly #system: TextBlock[] = [];
  readonly #messages: Turn[] = [];

  constructor(abilities: Abilities, notes: TranslationNotes) {
    this.#abilities = abilities;
    this.#notes = notes;
  }

  finish(): Conversation {
    if (this.#messages[0]?.role !== 'user') throw invalid('body.messages', 'a user message at the beginning');
    return { system: this.#system, messages: this.#messages };
  }

  system({ value: message, param }: Placed): void {
    this.#dropOthers(message, plainKeys);
    if (this.#messages.length > 0)
      this.#notes.change(param, 'Bedrock takes system messages before the conversation only');
    this.#system.push(...textBlocks(message.content, `${param}.content`, this.#notes));
  }

  user({ value: message, param }: Placed): void {
    this.#dropOthers(message, plainKeys);
    this.#push('user', inputBlocks(message.content, `${param}.content`, this.#abilities, this.#notes), param);
  }

  assistant({ value: message, param }: Placed): void {
    this.#dropOthers(message, assistantKeys);
    const said = isAbsent(message.content) ? message.refusal : message.content;
    const texts = textBlocks(said, `${param}.content`, this.#notes);
    this.#push('assistant', [...texts, ...this.#toolUses(message.tool_calls, `${param}.tool_calls`)], param);
  }

  #toolUses(calls: unknown, param: string): ToolUseBlock[] {
    return placedToolCalls(calls, param).map((call) => {
      this.#requireTools(param);
      this.#notes.dropOthers(call.value, callKeys, 'body.messages[].tool_calls[]');
      const { name, argumentsJson } = calledFunction(call, this.#notes);
      return {
        toolUse: {
          toolUseId: idFrom(call.value.id, `${call.param}.id`),
          name,
          input: argumentsFrom(argumentsJson, call),
        },
      };
    });
  }

  tool({ value: message, param }: Placed): void {
    this.#dropOthers(message, toolKeys);
    this.#requireTools(param);
    const content = textBlocks(message.content, `${param}.content`, this.#notes);
    this.#push(
      'user',
      [{ toolResult: { toolUseId: idFrom(message.tool_call_id, `${param}.tool_call_id`), content } }],
      param,
    );
  }

  #requireTools(param: string): void {
    if (!this.#abilities.tools) throw this.#notes.unsupported(param, 'write calls and their results as text');
  }

  /** Turns alternate: what follows of the same role goes into one. */
  #push(role: Turn['role'], content: Turn['content'], param: string): void {
    if (content.length === 0) throw invalid(`${param}.content`, 'some content');
    const last = this.#messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else this.#messages.push({ role, content });
  }

  #dropOthers(message: JsonObject, names: ReadonlySet<string>): void {
    this.#notes.dropOthers(message, names, 'body.messages[]');
  }
}

function idFrom(id: unknown, param: string): string {
  if (typeof id === 'string' && toolUseId.test(id)) return id;
  throw invalid(param, 'an id of letters, digits, _ and -, at most 64');
}
