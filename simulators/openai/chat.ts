import type { JsonObject } from '../json.ts';
import { composeProse, composeRefusal, cut, type Prose } from '../prose.ts';
import { valueOfSchema } from '../schema-values.ts';
import { SeededRandom } from '../seeded-random.ts';
import { chooseTools, type OfferedTool } from '../tool-choice.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import { type ChatMessage, type ChatRequest, chatRequestSchema } from './chat-request.ts';
import { chatComplaint } from './chat-rules.ts';
import type { Answer, AnswerSeed, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';
import { isReasoningModel, snapshotOf } from './model-snapshots.ts';

/** /v1/chat/completions */
export function examineChat(body: JsonObject): Examination {
  const parsed = chatRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const complaint = chatComplaint(parsed.data);
  if (complaint !== null) return refuse(complaint);
  const refusal = refusalOfTrigger(triggerIn(lastUserText(parsed.data.messages)));
  return refusal === null ? { answer: (seed) => answerChat(parsed.data, seed) } : { refusal };
}

interface ChatTurn {
  message: JsonObject;
  finishReason: 'stop' | 'length' | 'tool_calls';
  outputTokens: number;
}

function answerChat(request: ChatRequest, seed: AnswerSeed): Answer {
  const inputTokens = countTokens(JSON.stringify(request.messages)) + countTokens(JSON.stringify(request.tools ?? ''));
  const reasoningTokens = isReasoningModel(request.model) ? 64 * (1 + seed.random.below(4)) : 0;
  const turns = Array.from({ length: request.n ?? 1 }, () =>
    takeTurn(request, new SeededRandom(seed.random.hex(8)), seed.ids),
  );
  const outputTokens = turns.reduce((sum, turn) => sum + turn.outputTokens, reasoningTokens);
  const body = {
    id: `chatcmpl-${seed.ids.base62(29)}`,
    object: 'chat.completion',
    created: seed.createdSeconds,
    model: snapshotOf(request.model),
    choices: turns.map((turn, index) => ({
      index,
      message: turn.message,
      logprobs: request.logprobs === true ? logprobsOf(turn.message.content) : null,
      finish_reason: turn.finishReason,
    })),
    usage: wireUsage(inputTokens, outputTokens, reasoningTokens),
    service_tier: 'default',
    system_fingerprint: null,
  };
  return { body, usage: { inputTokens, cachedTokens: 0, outputTokens, reasoningTokens } };
}

function wireUsage(inputTokens: number, outputTokens: number, reasoningTokens: number): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function takeTurn(request: ChatRequest, random: SeededRandom, ids: SeededRandom): ChatTurn {
  const question = lastUserText(request.messages);
  if (triggerIn(question) === 'decline') return declinedTurn();
  const tools = chooseTools({
    tools: offeredTools(request),
    choice: wantedTool(request),
    isParallel: request.parallel_tool_calls !== false,
    question: request.messages.at(-1)?.role === 'tool' ? '' : question,
  });
  if (tools.length > 0)
    return toolTurn(
      tools.map((tool) => wireToolCall(tool, random, ids, question)),
      typeof request.tool_choice === 'object',
    );
  const prose = writeContent(request, random, question);
  return {
    message: { role: 'assistant', content: prose.text, refusal: null, annotations: [] },
    finishReason: prose.ending === 'length' ? 'length' : 'stop',
    outputTokens: prose.outputTokens,
  };
}

function declinedTurn(): ChatTurn {
  const refusal = composeRefusal();
  const message = { role: 'assistant', content: null, refusal, annotations: [] };
  return { message, finishReason: 'stop', outputTokens: countTokens(refusal) };
}

/** A tool that was demanded by name ends with `stop`, as at OpenAI; one that was chosen with `tool_calls`. */
function toolTurn(calls: JsonObject[], wasNamed: boolean): ChatTurn {
  return {
    message: { role: 'assistant', content: null, tool_calls: calls, refusal: null, annotations: [] },
    finishReason: wasNamed ? 'stop' : 'tool_calls',
    outputTokens: countTokens(JSON.stringify(calls)),
  };
}

function wireToolCall(tool: OfferedTool, random: SeededRandom, ids: SeededRandom, question: string): JsonObject {
  const id = `call_${ids.base62(24)}`;
  if (tool.parameters === null) return { id, type: 'custom', custom: { name: tool.name, input: question } };
  const value = valueOfSchema(tool.parameters, random, question);
  return { id, type: 'function', function: { name: tool.name, arguments: JSON.stringify(value) } };
}

function writeContent(request: ChatRequest, random: SeededRandom, question: string): Prose {
  const limits = {
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
    stopSequences: request.stop == null ? [] : [request.stop].flat(),
  };
  switch (request.response_format?.type) {
    case 'json_schema': {
      const value = valueOfSchema(request.response_format.json_schema.schema ?? {}, random, question);
      return cut(JSON.stringify(value), limits);
    }
    case 'json_object':
      return cut(JSON.stringify({ answer: composeProse(question, random, limits).text }), limits);
    case 'text':
    case undefined:
      return composeProse(question, random, limits);
  }
}

function offeredTools(request: ChatRequest): OfferedTool[] {
  const tools = request.tools ?? [];
  return tools.map((tool) =>
    tool.type === 'function'
      ? { name: tool.function.name, parameters: tool.function.parameters ?? {} }
      : { name: tool.custom.name, parameters: null },
  );
}

function wantedTool(request: ChatRequest): 'none' | 'auto' | 'required' | { name: string } {
  const choice = request.tool_choice;
  if (choice === undefined) return 'auto';
  if (typeof choice === 'string') return choice;
  switch (choice.type) {
    case 'function':
      return choice.function;
    case 'custom':
      return choice.custom;
    case 'allowed_tools':
      return choice.allowed_tools.mode;
  }
}

/** The text of the last message that a user wrote. */
function lastUserText(messages: ChatMessage[]): string {
  const message = messages.findLast((candidate) => candidate.role === 'user');
  if (message === undefined) return '';
  if (typeof message.content === 'string') return message.content;
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

/** Made-up log probabilities, one entry per word. */
function logprobsOf(content: unknown): JsonObject {
  const words = typeof content === 'string' ? (content.match(/\s*\S+/g) ?? []) : [];
  return {
    content: words.map((token) => ({ token, logprob: -0.1, bytes: [...Buffer.from(token)], top_logprobs: [] })),
    refusal: null,
  };
}
