import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import type { ChatRequest } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { messagesAbilities } from './chat-abilities.ts';
import { conversationFrom, type MessageConversation } from './conversation.ts';
import { familyOf } from './model-family.ts';
import { type OutputFormat, outputFormatFrom } from './output-format.ts';
import { type ClaudeReasoning, reasoningFrom } from './reasoning.ts';
import { type ClaudeSampling, samplingFrom } from './sampling.ts';
import { type ClaudeTool, type ClaudeToolChoice, toolChoiceFrom, toolsFrom } from './tools.ts';

/** The body of a Messages request, as far as a chat completion can ask for it. */
export interface MessagesParams extends ClaudeSampling {
  model: string;
  max_tokens: number;
  system?: Exclude<MessageConversation['system'], undefined>;
  messages: MessageConversation['messages'];
  tools?: ClaudeTool[];
  tool_choice?: ClaudeToolChoice;
  stop_sequences?: readonly string[];
  thinking?: JsonObject;
  output_config?: { effort?: Exclude<ClaudeReasoning['effort'], undefined>; format?: OutputFormat };
  metadata?: { user_id: string };
}

/**
 * Translates the body of a chat completion.
 *
 * @param notes receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export function messagesFromChat(request: RequestLine, model: string, notes: TranslationNotes): MessagesParams {
  const chat = parseChat(request, messagesAbilities, notes);
  const family = familyOf(model);
  const maxTokens = chat.maxTokens ?? family.defaultMaxTokens;
  const { system, messages } = conversationFrom(chat.messages, notes);
  const tools = toolsFrom(chat.tools, notes);
  const toolChoice = toolChoiceFrom(chat, notes);
  const isToolForced = toolChoice?.type === 'any' || toolChoice?.type === 'tool';
  const reasoning = reasoningFrom(chat, { family, maxTokens, isToolForced }, notes);
  const format = outputFormatFrom(chat.format, notes);
  const userId = userIdFrom(chat, notes);
  return {
    model,
    max_tokens: maxTokens,
    ...(system !== undefined && { system }),
    messages,
    ...(tools.length > 0 && { tools }),
    ...(toolChoice && { tool_choice: toolChoice }),
    ...(chat.stop.length > 0 && { stop_sequences: chat.stop }),
    ...samplingFrom(chat, family, isThinking(reasoning), notes),
    ...(reasoning.thinking && { thinking: reasoning.thinking }),
    ...outputConfig(reasoning, format),
    ...(userId !== undefined && { metadata: { user_id: userId } }),
  };
}

function isThinking({ thinking }: ClaudeReasoning): boolean {
  return thinking !== undefined && thinking.type !== 'disabled';
}

function outputConfig(
  { effort }: ClaudeReasoning,
  format: OutputFormat | undefined,
): Pick<MessagesParams, 'output_config'> {
  if (!effort && !format) return {};
  return { output_config: { ...(effort && { effort }), ...(format && { format }) } };
}

/** Longest metadata.user_id, in characters. Source: https://platform.claude.com/docs/en/api/messages */
const maxUserIdLength = 256;

function userIdFrom({ user }: ChatRequest, notes: TranslationNotes): string | undefined {
  if (user === null) return undefined;
  if (user.id.length <= maxUserIdLength) return user.id;
  notes.drop(user.param, `Anthropic takes at most ${maxUserIdLength} characters`);
  return undefined;
}
