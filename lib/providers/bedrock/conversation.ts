import type { JsonObject } from '../../records/json.ts';
import type {
  AssistantMessage,
  ChatMessage,
  SystemMessage,
  ToolCall,
  ToolMessage,
} from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { type BodyAbilities, type ConverseInput, type ConverseText, inputBlocks, spokenBlocks } from './content.ts';

/** Chat messages -> Converse's `system` and `messages`. Source: @aws-sdk/client-bedrock-runtime 3.1164 `ConverseRequest`. */

interface ConverseToolUse {
  toolUse: { toolUseId: string; name: string; input: JsonObject };
}

interface ConverseToolResult {
  toolResult: { toolUseId: string; content: ConverseText[] };
}

interface ConverseTurn {
  role: 'user' | 'assistant';
  content: (ConverseInput | ConverseToolUse | ConverseToolResult)[];
}

export interface ConverseConversation {
  system: ConverseText[];
  messages: ConverseTurn[];
}

export function conversationFrom(
  messages: readonly ChatMessage[],
  abilities: BodyAbilities,
  notes: TranslationNotes,
): ConverseConversation {
  const builder = new TurnsBuilder(abilities, notes);
  for (const message of messages) builder.add(message);
  return builder.finish();
}

export function callsTools({ messages }: ConverseConversation): boolean {
  return messages.some(({ content }) => content.some((block) => 'toolUse' in block || 'toolResult' in block));
}

class TurnsBuilder {
  readonly #abilities: BodyAbilities;
  readonly #notes: TranslationNotes;
  readonly #system: ConverseText[] = [];
  readonly #messages: ConverseTurn[] = [];

  constructor(abilities: BodyAbilities, notes: TranslationNotes) {
    this.#abilities = abilities;
    this.#notes = notes;
  }

  finish(): ConverseConversation {
    if (this.#messages[0]?.role !== 'user') throw invalid('body.messages', 'a user message at the beginning');
    return { system: this.#system, messages: this.#messages };
  }

  add(message: ChatMessage): void {
    switch (message.role) {
      case 'system':
        this.#addSystem(message);
        break;
      case 'user':
        this.#push('user', inputBlocks(message.content, this.#abilities, this.#notes), message.param);
        break;
      case 'assistant':
        this.#addAssistant(message);
        break;
      case 'tool':
        this.#addResult(message);
        break;
    }
  }

  #addSystem({ content, param }: SystemMessage): void {
    if (this.#messages.length > 0)
      this.#notes.change(param, 'Bedrock takes system messages before the conversation only');
    this.#system.push(...spokenBlocks(content));
  }

  #addAssistant({ content, calls, param }: AssistantMessage): void {
    if (calls.length > 0) this.#requireTools(`${param}.tool_calls`);
    this.#push('assistant', [...spokenBlocks(content), ...calls.map(toolUseFrom)], param);
  }

  #addResult({ callId, content, param }: ToolMessage): void {
    this.#requireTools(param);
    const toolUseId = toolId(callId, `${param}.tool_call_id`);
    this.#push('user', [{ toolResult: { toolUseId, content: spokenBlocks(content) } }], param);
  }

  #requireTools(param: string): void {
    if (!this.#abilities.tools) throw this.#notes.unsupported(param, 'write calls and their results as text');
  }

  /** Turns alternate: what follows of the same role goes into one. */
  #push(role: ConverseTurn['role'], content: ConverseTurn['content'], param: string): void {
    if (content.length === 0) throw invalid(`${param}.content`, 'some content');
    const last = this.#messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else this.#messages.push({ role, content });
  }
}

function toolUseFrom(call: ToolCall): ConverseToolUse {
  const toolUseId = toolId(call.id, `${call.param}.id`);
  return { toolUse: { toolUseId, name: call.name, input: call.readArguments() } };
}

// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html, read 2026-11.
const toolUseId = /^[a-zA-Z0-9_.:-]{1,64}$/;

function toolId(id: string, param: string): string {
  if (toolUseId.test(id)) return id;
  throw invalid(param, 'an id of letters, digits, _, -, . and :, at most 64');
}
