import type {
  AssistantMessage,
  ChatMessage,
  SystemMessage,
  ToolCall,
  ToolMessage,
  UserMessage,
} from '../shared/chat/chat-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { ClaudeModel } from './claude-models.ts';
import { inputBlocks, type MessageInput, type MessageText, spokenBlocks } from './content-blocks.ts';

/**
 * Chat messages -> `system` and `messages`. Sources: https://platform.claude.com/docs/en/api/messages and
 * https://platform.claude.com/docs/en/api/openai-sdk (how Anthropic itself reads OpenAI's messages).
 */

interface ToolUse {
  type: 'tool_use';
  id: string;
  name: string;
  input: object;
}

interface ToolResult {
  type: 'tool_result';
  tool_use_id: string;
  content?: string | MessageText[];
}

interface MessageParam {
  role: 'user' | 'assistant' | 'system';
  content: string | (MessageInput | ToolUse | ToolResult)[];
}

export interface MessageConversation {
  system: string | MessageText[] | undefined;
  messages: MessageParam[];
}

export function conversationFrom(
  messages: readonly ChatMessage[],
  { takesLaterSystem }: Pick<ClaudeModel, 'takesLaterSystem'>,
  notes: TranslationNotes,
): MessageConversation {
  const builder = new ConversationBuilder(takesLaterSystem, notes);
  for (const message of messages) builder.add(message);
  return builder.finish();
}

class ConversationBuilder {
  readonly #takesLaterSystem: boolean;
  readonly #notes: TranslationNotes;
  readonly #system: MessageText[] = [];
  readonly #messages: MessageParam[] = [];
  /** Results of tools at the end of the conversation: what the user says next goes into the same message. */
  #openResults: (MessageInput | ToolResult)[] | null = null;

  constructor(takesLaterSystem: boolean, notes: TranslationNotes) {
    this.#takesLaterSystem = takesLaterSystem;
    this.#notes = notes;
  }

  finish(): MessageConversation {
    if (this.#messages.length === 0) throw invalid('body.messages', 'at least one user message');
    return { system: this.#systemPrompt(), messages: this.#messages };
  }

  #systemPrompt(): MessageConversation['system'] {
    const [first, ...others] = this.#system;
    return first && others.length === 0 ? first.text : first && this.#system;
  }

  add(message: ChatMessage): void {
    switch (message.role) {
      case 'system':
        this.#addSystem(message);
        break;
      case 'user':
        this.#addUser(message);
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
    const blocks = spokenBlocks(content);
    if (this.#takesLaterSystem && this.#messages.at(-1)?.role === 'user') {
      if (blocks.length > 0) this.#messages.push({ role: 'system', content: plainIfString(content, blocks) });
      this.#openResults = null;
      return;
    }
    if (this.#messages.length > 0)
      this.#notes.change(param, 'this model takes system messages before the conversation only');
    this.#system.push(...blocks);
  }

  #addUser({ content, param }: UserMessage): void {
    const blocks = inputBlocks(content, this.#notes);
    if (blocks.length === 0) throw invalid(`${param}.content`, 'some content');
    if (this.#openResults) this.#openResults.push(...blocks);
    else this.#messages.push({ role: 'user', content: plainIfString(content, blocks) });
    this.#openResults = null;
  }

  #addAssistant({ content, calls, param }: AssistantMessage): void {
    const texts = spokenBlocks(content);
    if (texts.length + calls.length === 0) throw invalid(`${param}.content`, 'some content');
    this.#messages.push({
      role: 'assistant',
      content: calls.length > 0 ? [...texts, ...calls.map(toolUseFrom)] : plainIfString(content, texts),
    });
    this.#openResults = null;
  }

  #addResult(message: ToolMessage): void {
    const result = toolResultFrom(message);
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

function toolUseFrom(call: ToolCall): ToolUse {
  return {
    type: 'tool_use',
    id: toolId(call.id, `${call.param}.id`),
    name: call.name,
    input: call.readArguments(),
  };
}

// As Anthropic checks them; a line that breaks this comes back as an error a day later.
const toolUseId = /^[a-zA-Z0-9_-]+$/;

function toolId(id: string, param: string): string {
  if (!toolUseId.test(id)) throw invalid(param, 'an id of letters, digits, _ and -');
  return id;
}

function toolResultFrom(message: ToolMessage): ToolResult {
  const id = toolId(message.callId, `${message.param}.tool_call_id`);
  const content = plainIfString(message.content, spokenBlocks(message.content));
  return { type: 'tool_result', tool_use_id: id, ...(content.length > 0 && { content }) };
}
