import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import { examineChat } from '../openai/chat.ts';
import type { Answer, Examination } from '../openai/examination.ts';

/** What Fireworks takes beside OpenAI's parameters. Source: docs.fireworks.ai, "Create Chat Completion", read 2026-11. */
const ownParameters = new Set([
  'context_length_exceeded_behavior',
  'ignore_eos',
  'min_p',
  'mirostat_lr',
  'mirostat_target',
  'perf_metrics_in_response',
  'prompt_truncate_len',
  'raw_output',
  'repetition_penalty',
  'top_k',
  'typical_p',
]);

/** More is cut down to the model's most, not refused. */
const mostOutputTokens = 16_384;

const roles = ['system', 'user', 'assistant', 'tool'];

export interface ChatLine {
  customId: string;
  /** The job's. */
  model: string;
  text: string;
  body: JsonObject;
}

/** @returns what the whole job fails with, where a line is not one. */
export function readChatLine(text: string, model: string): ChatLine | { complaint: string } {
  const parsed = parseJson(text);
  if (!isJsonObject(parsed)) return { complaint: 'invalid JSON' };
  const { custom_id: customId, body } = parsed;
  if (typeof customId !== 'string' || customId === '') return { complaint: 'custom_id is required' };
  if (!isJsonObject(body)) return { complaint: 'body is required' };
  const complaint = messagesComplaint(body.messages);
  return complaint === null ? { customId, model, text, body } : { complaint };
}

function messagesComplaint(messages: unknown): string | null {
  if (!Array.isArray(messages) || messages.length === 0) return 'messages is required';
  for (const [index, message] of messages.entries()) {
    const role: unknown = isJsonObject(message) ? message.role : undefined;
    if (typeof role !== 'string' || !roles.includes(role))
      return `invalid role ${role} in message ${index + 1}, must be 'system', 'user', 'assistant' or 'tool'`;
  }
  return null;
}

/** What becomes of a request body under the model of its job. */
export function examineLine(body: JsonObject, model: string): Examination {
  const examination = examineChat({ ...openAIBody(body), model });
  if ('refusal' in examination) return examination;
  return { answer: (seed) => withOwnShape(examination.answer(seed), model) };
}

function openAIBody(body: JsonObject): JsonObject {
  const common = Object.entries(body).filter(([name]) => !ownParameters.has(name));
  return Object.fromEntries(
    common.map(([name, value]) => [
      name,
      /^max(_completion)?_tokens$/.test(name) && typeof value === 'number' ? Math.min(value, mostOutputTokens) : value,
    ]),
  );
}

/** The members that recorded answers have. */
function withOwnShape({ body, usage }: Answer, model: string): Answer {
  const { id, object, created, choices } = body;
  const wireUsage = {
    prompt_tokens: usage.inputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    completion_tokens: usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
  const own = Array.isArray(choices) ? choices.map(choiceOf) : [];
  return { usage, body: { id, object, created, model, choices: own, usage: wireUsage } };
}

function choiceOf(choice: unknown): unknown {
  if (!isJsonObject(choice) || !isJsonObject(choice.message)) return choice;
  const { role, content, tool_calls: toolCalls } = choice.message;
  const message = { role, content, ...(toolCalls !== undefined && { tool_calls: toolCalls }) };
  return { index: choice.index, message, finish_reason: choice.finish_reason };
}
