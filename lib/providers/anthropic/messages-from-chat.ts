import type { JsonObject, RequestLine } from '../../core/request-line.ts';
import { exactBody } from '../exact-body.ts';
import type { Warning } from '../provider.ts';
import { judgeParameters, maxTokensFrom, stopSequencesFrom, userIdFrom } from './chat-parameters.ts';
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
 * @param warnings receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export function messagesFromChat(request: RequestLine, model: string, warnings: Map<string, Warning>): MessagesParams {
  const { body } = request;
  judgeParameters(body, warnings);
  const family = familyOf(model);
  const maxTokens = maxTokensFrom(body, warnings) ?? family.defaultMaxTokens;
  const { system, messages } = conversationFrom(body.messages, warnings);
  const tools = isPresent(body.tools) ? toolsFrom(exactBody(request).tools, warnings) : [];
  const toolChoice = toolChoiceFrom(body, tools.length > 0, warnings);
  const isToolForced = toolChoice?.type === 'any' || toolChoice?.type === 'tool';
  const reasoning = reasoningFrom(body, { family, maxTokens, isToolForced }, warnings);
  const format = outputFormatFrom(body.response_format, () => exactBody(request).response_format, warnings);
  const stopSequences = stopSequencesFrom(body.stop);
  const userId = userIdFrom(body, warnings);
  return {
    model,
    max_tokens: maxTokens,
    ...(system !== undefined && { system }),
    messages,
    ...(tools.length > 0 && { tools }),
    ...(toolChoice && { tool_choice: toolChoice }),
    ...(stopSequences.length > 0 && { stop_sequences: stopSequences }),
    ...samplingFrom(body, family, isThinking(reasoning), warnings),
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

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
