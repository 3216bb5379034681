import { objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import { completionUsage } from '../shared/chat/completion-usage.ts';

/**
 * Message -> ChatCompletion. Sources: https://platform.claude.com/docs/en/api/messages and
 * https://platform.openai.com/docs/api-reference/chat/object
 *
 * @param message its tool inputs may hold numbers in their own spelling (`parseExact`).
 * @param createdSeconds unix seconds; Anthropic does not say when it answered.
 */
export function completionFromMessage(message: JsonObject, usage: Usage, createdSeconds: number): object {
  const blocks = blocksOf(message);
  const toolCalls = blocks.filter((block) => block.type === 'tool_use').map(toolCallFrom);
  const finishReason = finishReasonFrom(message.stop_reason, toolCalls.length > 0);
  const reasoning = joinBlocks(blocks, 'thinking', 'thinking');
  return {
    id: textOf(message.id),
    object: 'chat.completion',
    created: createdSeconds,
    model: textOf(message.model),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: joinBlocks(blocks, 'text', 'text'),
          refusal: message.stop_reason === 'refusal' ? refusalFrom(message) : null,
          ...(reasoning !== null && { reasoning_content: reasoning }),
          ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
        },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    usage: completionUsage(usage),
    service_tier: serviceTierFrom(objectOf(message.usage)?.service_tier),
  };
}

export function blocksOf(message: JsonObject): JsonObject[] {
  const content: unknown[] = Array.isArray(message.content) ? message.content : [];
  return content.filter(isObject);
}

function joinBlocks(blocks: readonly JsonObject[], type: string, key: string): string | null {
  const texts = blocks.filter((block) => block.type === type).map((block) => textOf(block[key]) ?? '');
  return texts.length > 0 ? texts.join('') : null;
}

function toolCallFrom(block: JsonObject): object {
  const call = { name: textOf(block.name) ?? '', arguments: JSON.stringify(block.input ?? {}) };
  return { id: textOf(block.id), type: 'function', function: call };
}

const finishReasons = new Map<unknown, 'stop' | 'length' | 'tool_calls' | 'content_filter'>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

function finishReasonFrom(stopReason: unknown, hasToolCalls: boolean): string {
  return finishReasons.get(stopReason) ?? (hasToolCalls ? 'tool_calls' : 'stop');
}

function refusalFrom(message: JsonObject): string {
  return textOf(objectOf(message.stop_details)?.explanation) ?? 'The model refused to answer.';
}

const serviceTiers = new Map<unknown, string>([
  ['standard', 'default'],
  ['batch', 'default'],
  ['priority', 'priority'],
]);

function serviceTierFrom(tier: unknown): string | null {
  return serviceTiers.get(tier) ?? null;
}
