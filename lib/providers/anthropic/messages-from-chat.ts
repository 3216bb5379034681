import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import type { RequestTarget } from '../contract.ts';
import type { ChatRequest } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { ModelRules } from '../shared/model-rules.ts';
import { messagesAbilities } from './chat-abilities.ts';
import { type ClaudeRules, claudeModels } from './claude-models.ts';
import { conversationFrom, type MessageConversation } from './conversation.ts';
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
export function messagesFromChat(
  request: RequestLine,
  { model, modelRules = 'enforce' }: Pick<RequestTarget, 'model' | 'modelRules'>,
  notes: TranslationNotes,
): MessagesParams {
  const chat = parseChat(request, messagesAbilities, notes);
  const rules: ClaudeRules = new ModelRules(model, claudeModels.find(model), modelRules, notes);
  const maxTokens = chat.maxTokens ?? rules.row.defaultMaxTokens;
  judgeEnd(chat.messages, rules, notes);
  const { system, messages } = conversationFrom(chat.messages, rules.row, notes);
  const tools = toolsFrom(chat.tools, notes);
  const toolChoice = toolChoiceFrom(chat, notes);
  const isToolForced = toolChoice?.type === 'any' || toolChoice?.type === 'tool';
  if (isToolForced && !rules.row.takesForcedTools)
    rules.refuse(
      'takesForcedTools',
      'body.tool_choice',
      'takes no forced tools',
      "write 'auto' and ask for the call in a message, or use 'response_format' for an answer in a form",
    );
  const reasoning = reasoningFrom(chat, { rules, maxTokens, isToolForced }, notes);
  const format = outputFormatFrom(chat.format, notes);
  if (format && !rules.row.takesSchemas)
    rules.refuse(
      'takesSchemas',
      'body.response_format',
      'holds to no schema',
      "offer a function with this schema as 'parameters' and choose it",
    );
  const userId = userIdFrom(chat, notes);
  const sampling = samplingFrom(chat, rules, isThinking(reasoning), notes);
  // In this order, which the lines of a batch keep; spreading conditions would cost as much as parsing the messages.
  const params: MessagesParams =
    system === undefined
      ? { model, max_tokens: maxTokens, messages }
      : { model, max_tokens: maxTokens, system, messages };
  if (tools.length > 0) params.tools = tools;
  if (toolChoice) params.tool_choice = toolChoice;
  if (chat.stop.length > 0) params.stop_sequences = chat.stop;
  if (sampling.temperature !== undefined) params.temperature = sampling.temperature;
  if (sampling.top_p !== undefined) params.top_p = sampling.top_p;
  if (reasoning.thinking) params.thinking = reasoning.thinking;
  if (reasoning.effort || format) params.output_config = outputConfig(reasoning, format);
  if (userId !== undefined) params.metadata = { user_id: userId };
  return params;
}

/** A conversation that ends with the assistant: OpenAI's models answer it, Claude's go on with it, or refuse it. */
function judgeEnd(messages: ChatRequest['messages'], rules: ClaudeRules, notes: TranslationNotes): void {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || last.calls.length > 0) return;
  if (rules.row.prefill === 'refused')
    rules.refuse(
      'prefill',
      last.param,
      'takes no assistant message at the end',
      'end with a user message that asks to go on',
    );
  else notes.change(last.param, 'the model goes on with it, where a chat completion answers it');
}

function isThinking({ thinking }: ClaudeReasoning): boolean {
  return thinking !== undefined && thinking.type !== 'disabled' && thinking.type !== 'between_tools';
}

function outputConfig(
  { effort }: ClaudeReasoning,
  format: OutputFormat | undefined,
): NonNullable<MessagesParams['output_config']> {
  return { ...(effort && { effort }), ...(format && { format }) };
}

/** Longest metadata.user_id, in characters. Source: https://platform.claude.com/docs/en/api/messages */
const maxUserIdLength = 256;

function userIdFrom({ user }: ChatRequest, notes: TranslationNotes): string | undefined {
  if (user === null) return undefined;
  if (user.id.length <= maxUserIdLength) return user.id;
  notes.drop(user.param, `Anthropic takes at most ${maxUserIdLength} characters`);
  return undefined;
}
