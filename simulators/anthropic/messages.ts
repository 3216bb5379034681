import type { JsonObject } from '../json.ts';
import { composeProse, composeRefusal, cut, type Prose } from '../prose.ts';
import { valueOfSchema } from '../schema-values.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { chooseTools, type OfferedTool } from '../tool-choice.ts';
import { type Trigger, triggerIn } from '../triggers.ts';
import { countTokens, type TokenUsage } from '../usage.ts';
import { type AnthropicError, errorOfStatus, invalidRequest } from './error-reply.ts';
import { complaintOfIssues } from './issue-text.ts';
import { type InputMessage, isCustomTool, type MessageParams, messageParamsSchema } from './message-params.ts';
import { paramsComplaint } from './params-rules.ts';

interface MessageAnswer {
  message: JsonObject;
  usage: TokenUsage;
}

/** What an answer is a function of, beside the request. */
interface AnswerSeed {
  /** Depends on the params alone: the same request always gets the same answer. */
  random: SeededRandom;
  /** Depends on the batch as well: ids are never given twice. */
  ids: SeededRandom;
}

/** What becomes of one request's params; the answer is only made when it is asked for. */
export type MessageExamination = { error: AnthropicError } | { answer(seed: AnswerSeed): MessageAnswer };

export function examineMessage(params: unknown, apiVersion: string): MessageExamination {
  const systemRole = systemRoleComplaint(params);
  if (systemRole !== null) return { error: systemRole };
  const parsed = messageParamsSchema.safeParse(params);
  if (!parsed.success) return { error: complaintOfIssues(parsed.error.issues, params, '') };
  const error = paramsComplaint(parsed.data, apiVersion) ?? errorOfTrigger(triggerIn(questionOf(parsed.data.messages)));
  return error === null ? { answer: (seed) => answerMessage(parsed.data, seed) } : { error };
}

/** The API has a message of its own for the commonest mistake of those who come from another provider. */
function systemRoleComplaint(params: unknown): AnthropicError | null {
  const messages = typeof params === 'object' && params !== null && 'messages' in params ? params.messages : [];
  const isThere = Array.isArray(messages) && messages.some((message: unknown) => roleOf(message) === 'system');
  if (!isThere) return null;
  return invalidRequest(
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
  );
}

function roleOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'role' in message ? message.role : undefined;
}

function errorOfTrigger(trigger: Trigger | null): AnthropicError | null {
  switch (trigger) {
    case 'refuse':
      return invalidRequest('Output blocked by content filtering policy');
    case 'rate-limit':
      return errorOfStatus(429);
    case 'server-error':
      return errorOfStatus(500);
    case 'overloaded':
      return errorOfStatus(529);
    case 'decline':
    case null:
      return null;
  }
}

interface Turn {
  content: JsonObject[];
  stopReason: 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal';
  stopSequence: string | null;
  outputTokens: number;
}

function answerMessage(params: MessageParams, { random, ids }: AnswerSeed): MessageAnswer {
  const id = `msg_01${ids.base62(22)}`;
  const thinking = thinkingOf(params, random);
  const turn = takeTurn(params, random, ids);
  const usage = usageOf(params, turn.outputTokens + thinking.tokens, thinking.tokens);
  const message = {
    id,
    type: 'message',
    role: 'assistant',
    model: params.model,
    content: [...thinking.blocks, ...turn.content],
    stop_reason: turn.stopReason,
    stop_sequence: turn.stopSequence,
    stop_details: turn.stopReason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null,
    container: null,
    diagnostics: null,
    usage: usage.wire,
  };
  return { message, usage: usage.sums };
}

function thinkingOf({ thinking }: MessageParams, random: SeededRandom): { blocks: JsonObject[]; tokens: number } {
  if (thinking?.type !== 'enabled' && thinking?.type !== 'adaptive') return { blocks: [], tokens: 0 };
  const text = thinking.display === 'omitted' ? '' : 'The question is clear, so I can answer it directly.';
  const block = { type: 'thinking', thinking: text, signature: `Eu${random.base62(64)}==` };
  return { blocks: [block], tokens: 32 * (1 + random.below(8)) };
}

function takeTurn(params: MessageParams, random: SeededRandom, ids: SeededRandom): Turn {
  const question = questionOf(params.messages);
  if (triggerIn(question) === 'decline') {
    const text = composeRefusal();
    return {
      content: [{ type: 'text', text }],
      stopReason: 'refusal',
      stopSequence: null,
      outputTokens: countTokens(text),
    };
  }
  const tools = chooseTools({
    tools: offeredTools(params),
    choice: wantedTool(params),
    isParallel: !(
      params.tool_choice !== undefined &&
      'disable_parallel_tool_use' in params.tool_choice &&
      params.tool_choice.disable_parallel_tool_use === true
    ),
    question: endsWithToolResult(params.messages) ? '' : question,
  });
  return tools.length > 0 ? toolTurn(tools, random, ids, question) : textTurn(params, random, question);
}

function toolTurn(tools: OfferedTool[], random: SeededRandom, ids: SeededRandom, question: string): Turn {
  const content = tools.map((tool) => ({
    type: 'tool_use',
    id: `toolu_01${ids.base62(22)}`,
    name: tool.name,
    input: valueOfSchema(tool.parameters, random, question),
  }));
  return { content, stopReason: 'tool_use', stopSequence: null, outputTokens: countTokens(JSON.stringify(content)) };
}

const stopReasonByEnding = { complete: 'end_turn', length: 'max_tokens', stop_sequence: 'stop_sequence' } as const;

function textTurn(params: MessageParams, random: SeededRandom, question: string): Turn {
  const prose = writeText(params, random, question);
  return {
    content: [{ type: 'text', text: prose.text }],
    stopReason: stopReasonByEnding[prose.ending],
    stopSequence: prose.stopSequence,
    outputTokens: prose.outputTokens,
  };
}

function writeText(params: MessageParams, random: SeededRandom, question: string): Prose {
  const limits = { maxTokens: params.max_tokens, stopSequences: params.stop_sequences ?? [] };
  const schema = params.output_config?.format?.schema;
  if (schema === undefined) return composeProse(question, random, limits);
  return cut(JSON.stringify(valueOfSchema(schema, random, question)), limits);
}

/** Everything up to the last block that is marked for the cache counts as written to the cache. */
function usageOf(
  params: MessageParams,
  outputTokens: number,
  thinkingTokens: number,
): { wire: JsonObject; sums: TokenUsage } {
  const prompt = JSON.stringify([params.tools ?? [], params.system ?? '', params.messages]);
  const lastMark = prompt.lastIndexOf('"cache_control":{');
  const cacheTokens = lastMark === -1 ? 0 : countTokens(prompt.slice(0, lastMark));
  const inputTokens = countTokens(prompt) - cacheTokens;
  const isLong = prompt.includes('"ttl":"1h"');
  const wire = {
    input_tokens: inputTokens,
    cache_creation_input_tokens: cacheTokens,
    cache_read_input_tokens: 0,
    cache_creation: {
      ephemeral_5m_input_tokens: isLong ? 0 : cacheTokens,
      ephemeral_1h_input_tokens: isLong ? cacheTokens : 0,
    },
    output_tokens: outputTokens,
    output_tokens_details: { thinking_tokens: thinkingTokens },
    inference_geo: 'not_available',
    server_tool_use: null,
    service_tier: 'batch',
    speed: null,
  };
  const sums = {
    inputTokens: inputTokens + cacheTokens,
    cachedTokens: 0,
    outputTokens,
    reasoningTokens: thinkingTokens,
  };
  return { wire, sums };
}

function offeredTools({ tools = [] }: MessageParams): OfferedTool[] {
  return tools.filter(isCustomTool).map((tool) => ({ name: tool.name, parameters: tool.input_schema }));
}

function wantedTool({ tool_choice: choice }: MessageParams): 'none' | 'auto' | 'required' | { name: string } {
  switch (choice?.type) {
    case 'any':
      return 'required';
    case 'tool':
      return { name: choice.name };
    case 'none':
      return 'none';
    case 'auto':
    case undefined:
      return 'auto';
  }
}

function endsWithToolResult(messages: InputMessage[]): boolean {
  const content = messages.at(-1)?.content;
  return Array.isArray(content) && content.some((block) => block.type === 'tool_result');
}

/** The text of the last message in which a user wrote text. */
function questionOf(messages: InputMessage[]): string {
  for (const message of messages.toReversed()) {
    if (message.role !== 'user') continue;
    if (typeof message.content === 'string') return message.content;
    const texts = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
    if (texts.length > 0) return texts.join('\n');
  }
  return '';
}
