import { exactBody } from '../../lines/exact-body.ts';
import { isAbsent } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import { maxTokensFrom, stopSequencesFrom } from '../shared/chat/chat-parameters.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { judgeParameters, userIdFrom } from './chat-parameters.ts';
import { type Conversation, conversationFrom } from './conversation.ts';
import { familyOf } from './model-family.ts';
import { type OutputFormat, outputFormatFrom } from './output-format.ts';
import { type Reasoning, reasoningFrom } from './reasoning.ts';
import { type Sampling, samplingFrom } from './sampling.ts';
import { type Tool, type ToolChoice, toolChoiceFrom, toolsFrom } from './tools.ts';

/** The body of a Messages request, as far as a chat completion can ask for it. */
export interface MessagesParams extends Sampling {
  model: string;
  max_tokens: number;
  system?: Exclude<Conversation['system'], undefined>;
  messages: Conversation['messages'];
  tools?: Tool[];
  tool_choice?: ToolChoice;
  stop_sequences?: string[];
  thinking?: JsonObject;
  output_config?: { effort?: Exclude<Reasoning['effort'], undefined>; format?: OutputFormat };
  metadata?: { user_id: string };
}

/**
 * Translates the body of a chat completion.
 *
 * @param notes receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export function messagesFromChat(request: RequestLine, model: string, notes: TranslationNotes): MessagesParams {
  const { body } = request;
  judgeParameters(body, notes);
  const family = familyOf(model);
  const maxTokens = maxTokensFrom(body, notes) ?? family.defaultMaxTokens;
  const { system, messages } = conversationFrom(body.messages, notes);
  const tools = !isAbsent(body.tools) ? toolsFrom(exactBody(request).tools, notes) : [];
  const toolChoice = toolChoiceFrom(body, tools.length > 0, notes);
  const isToolForced = toolChoice?.type === 'any' || toolChoice?.type === 'tool';
  const reasoning = reasoningFrom(body, { family, maxTokens, isToolForced }, notes);
  const format = outputFormatFrom(body.response_format, () => exactBody(request).response_format, notes);
  const stopSequences = stopSequencesFrom(body.stop);
  const userId = userIdFrom(body, notes);
  return {
    model,
    max_tokens: maxTokens,
    ...(system !== undefined && { system }),
    messages,
    ...(tools.length > 0 && { tools }),
    ...(toolChoice && { tool_choice: toolChoice }),
    ...(stopSequences.length > 0 && { stop_sequences: stopSequences }),
    ...samplingFrom(body, family, isThinking(reasoning), notes),
    ...(reasoning.thinking && { thinking: reasoning.thinking }),
    ...outputConfig(reasoning, format),
    ...(userId !== undefined && { metadata: { user_id: userId } }),
  };
}

function isThinking({ thinking }: Reasoning): boolean {
  return thinking !== undefined && thinking.type !== 'disabled';
}

function outputConfig(reasoning: Reasoning, format: OutputFormat | undefined): Pick<MessagesParams, 'output_config'> {
  const { effort } = reasoning;
  if (!effort && !format) return {};
  return { output_config: { ...(effort && { effort }), ...(format && { format }) } };
}
