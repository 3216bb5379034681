import { membersBeyond, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';

/**
 * Reads a Message. Source: https://platform.claude.com/docs/en/api/messages
 *
 * @param message its tool inputs may hold numbers in their own spelling (`parseExact`).
 */
export function answerFromMessage(message: JsonObject, usage: Usage | null): ChatAnswer {
  return {
    maker: 'anthropic',
    id: textOf(message.id),
    createdSeconds: null, // Anthropic does not say when it answered
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
      const saysMore = isCited || membersBeyond(block, textMembers) !== null;
      return withBlock({ type: 'text', text: textOf(block.text) ?? '' }, saysMore, block);
    }
    case 'thinking':
      return withBlock(
        { type: 'thinking', text: textOf(block.thinking) ?? '' },
        textOf(block.signature) !== null || membersBeyond(block, thinkingMembers) !== null,
        block,
      );
    case 'tool_use':
      return [
        {
          type: 'call',
          id: textOf(block.id),
          name: textOf(block.name) ?? '',
          argumentsJson: JSON.stringify(block.input ?? {}),
          extra: membersBeyond(block, objectOf(block.caller)?.type === 'direct' ? directCallMembers : callMembers),
        },
      ];
    default:
      return [{ type: 'other', value: block }];
  }
}

const textMembers: ReadonlySet<string> = new Set(['type', 'text', 'citations']);
const thinkingMembers: ReadonlySet<string> = new Set(['type', 'thinking', 'signature']);
const callMembers: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input']);
/** The model itself calls unless code of its own does. */
const directCallMembers: ReadonlySet<string> = new Set([...callMembers, 'caller']);

function withBlock(part: AnswerPart, saysMore: boolean, block: JsonObject): AnswerPart[] {
  return saysMore ? [part, { type: 'other', value: block }] : [part];
}

/** Members of a Message that a chat completion says itself, or that the customer's request says. */
const saidMembers: ReadonlySet<string> = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'usage']);
const saidOfUsage: ReadonlySet<string> = new Set([
  'input_tokens',
  'output_tokens',
  'output_tokens_details',
  'cache_creation',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'service_tier',
]);

/** What else is said of the answer as a whole, such as how often tools ran that cost money. */
function extraOf(message: JsonObject): JsonObject | null {
  const { stop_reason: reason } = message;
  const extra = membersBeyond(message, saidMembers);
  const usage = membersBeyond(objectOf(message.usage) ?? {}, saidOfUsage);
  const isPlain = typeof reason !== 'string' || plainReasons.has(reason);
  return isPlain && !usage ? extra : { ...(!isPlain && { stop_reason: reason }), ...extra, ...(usage && { usage }) };
}

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
