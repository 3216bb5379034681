import { objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';

/**
 * Reads a Message. Source: https://platform.claude.com/docs/en/api/messages
 *
 * @param message its tool inputs may hold numbers in their own spelling (`parseExact`).
 * @param createdSeconds unix seconds; Anthropic does not say when it answered.
 */
export function answerFromMessage(message: JsonObject, usage: Usage, createdSeconds: number): ChatAnswer {
  return {
    maker: 'anthropic',
    id: textOf(message.id),
    createdSeconds,
    model: textOf(message.model),
    choices: [choiceFrom(message)],
    usage,
    members: { service_tier: serviceTierFrom(objectOf(message.usage)?.service_tier) },
  };
}

export function blocksOf(message: JsonObject): JsonObject[] {
  const content: unknown[] = Array.isArray(message.content) ? message.content : [];
  return content.filter(isObject);
}

function choiceFrom(message: JsonObject): AnswerChoice {
  const blocks = blocksOf(message);
  const known = finishReasons.get(message.stop_reason);
  return {
    index: 0,
    parts: blocks.flatMap(partsFrom),
    finish: known ?? (blocks.some(({ type }) => type === 'tool_use') ? 'tool_calls' : 'stop'),
    isExplained: known !== undefined,
    refusal: message.stop_reason === 'refusal' ? refusalFrom(message) : null,
    logprobs: null,
    extra: extraOf(message),
  };
}

/** A block that says more than a chat completion can is kept whole beside what it says. */
function partsFrom(block: JsonObject): AnswerPart[] {
  switch (block.type) {
    case 'text': {
      const isCited = Array.isArray(block.citations) && block.citations.length > 0;
      return withBlock({ type: 'text', text: textOf(block.text) ?? '' }, isCited, block);
    }
    case 'thinking':
      return withBlock(
        { type: 'thinking', text: textOf(block.thinking) ?? '' },
        textOf(block.signature) !== null,
        block,
      );
    case 'tool_use':
      return [
        {
          type: 'call',
          id: textOf(block.id),
          name: textOf(block.name) ?? '',
          argumentsJson: JSON.stringify(block.input ?? {}),
          thoughtSignature: null,
        },
      ];
    default:
      return [{ type: 'other', value: block }];
  }
}

function withBlock(part: AnswerPart, saysMore: boolean, block: JsonObject): AnswerPart[] {
  return saysMore ? [part, { type: 'other', value: block }] : [part];
}

/** What else is said of the answer as a whole. */
function extraOf(message: JsonObject): JsonObject {
  const extra: JsonObject = {};
  const { stop_reason: reason } = message;
  if (typeof reason === 'string' && !plainReasons.has(reason)) extra.stop_reason = reason;
  for (const name of furtherMembers) {
    const value = message[name];
    if (value !== undefined && value !== null) extra[name] = value;
  }
  return extra;
}

const furtherMembers = ['stop_sequence', 'stop_details', 'container', 'context_management'] as const;

/** Reasons that `finish_reason` says as well. */
const plainReasons: ReadonlySet<string> = new Set(['end_turn', 'max_tokens', 'tool_use', 'stop_sequence', 'refusal']);

const finishReasons = new Map<unknown, AnswerChoice['finish']>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

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
