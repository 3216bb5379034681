import type {
  AssistantMessage,
  ChatMessage,
  SystemMessage,
  ToolCall,
  ToolMessage,
  UserMessage,
} from '../shared/chat/chat-request.ts';
import { spokenTexts } from '../shared/chat/spoken-texts.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { type GoogleInput, inputParts, type Surface } from './parts.ts';

/** Chat messages -> `systemInstruction` and `contents`. Source: @google/genai 3.1 `Content`, `Part`. */

interface FunctionCallPart {
  functionCall: { id: string; name: string; args: object };
  thoughtSignature?: string;
}

interface FunctionResponsePart {
  functionResponse: { id: string; name: string; response: { output: string } };
}

interface GoogleContent {
  role: 'user' | 'model';
  parts: (GoogleInput | FunctionCallPart | FunctionResponsePart)[];
}

export interface GoogleConversation {
  systemInstruction: { parts: { text: string }[] } | undefined;
  contents: GoogleContent[];
}

export interface ConversationOptions {
  surface: Surface;
  wantsThoughtSignatures: boolean;
}

export function conversationFrom(
  messages: readonly ChatMessage[],
  options: ConversationOptions,
  notes: TranslationNotes,
): GoogleConversation {
  const builder = new ContentsBuilder(options, notes);
  for (const message of messages) builder.add(message);
  return builder.finish();
}

class ContentsBuilder {
  readonly #options: ConversationOptions;
  readonly #notes: TranslationNotes;
  readonly #system: { text: string }[] = [];
  readonly #contents: GoogleContent[] = [];
  readonly #functionByCallId = new Map<string, string>();
  /** The content that gathers the results of one turn's calls: Gemini wants them together. */
  #openResults: GoogleContent | null = null;

  constructor(options: ConversationOptions, notes: TranslationNotes) {
    this.#options = options;
    this.#notes = notes;
  }

  finish(): GoogleConversation {
    if (this.#contents.length === 0) throw invalid('body.messages', 'at least one user message');
    return {
      systemInstruction: this.#system.length > 0 ? { parts: this.#system } : undefined,
      contents: this.#contents,
    };
  }

  add(message: ChatMessage): void {
    switch (message.role) {
      case 'system':
        this.#addSystem(message);
        break;
      case 'user':
        this.#push('user', inputParts(message.content, this.#options.surface, this.#notes), message);
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
    if (this.#contents.length > 0)
      this.#notes.change(param, 'Gemini takes system messages before the conversation only');
    for (const text of spokenTexts(content)) this.#system.push({ text });
  }

  #addAssistant(message: AssistantMessage): void {
    const texts = spokenTexts(message.content).map((text) => ({ text }));
    this.#push('model', [...texts, ...message.calls.map((call, index) => this.#callPart(call, index === 0))], message);
  }

  #push(role: GoogleContent['role'], parts: GoogleContent['parts'], { param }: UserMessage | AssistantMessage): void {
    if (parts.length === 0) throw invalid(`${param}.content`, 'some content');
    this.#contents.push({ role, parts });
    this.#openResults = null;
  }

  #callPart(call: ToolCall, isFirst: boolean): FunctionCallPart {
    const { id, name } = call;
    this.#functionByCallId.set(id, name);
    const part = { functionCall: { id, name, args: call.readArguments() } };
    const unknown = isFirst && this.#options.wantsThoughtSignatures ? noSignature : null;
    const thoughtSignature = call.thoughtSignature ?? unknown;
    return thoughtSignature === null ? part : { ...part, thoughtSignature };
  }

  #addResult({ callId: id, content, param }: ToolMessage): void {
    const name = this.#functionByCallId.get(id);
    if (name === undefined) throw invalid(`${param}.tool_call_id`, 'the id of a call above');
    const output = spokenTexts(content).join('');
    if (!this.#openResults) {
      this.#openResults = { role: 'user', parts: [] };
      this.#contents.push(this.#openResults);
    }
    this.#openResults.parts.push({ functionResponse: { id, name, response: { output } } });
  }
}

/**
 * Stands where the signature of a thought is unknown, as for calls of another provider's model: Gemini 3 refuses a call
 * without any. Source: https://github.com/strands-agents/sdk-python/pull/1298, read 2026-11.
 */
const noSignature = 'skip_thought_signature_validator';
