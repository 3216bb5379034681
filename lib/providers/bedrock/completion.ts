import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';
import type { AboutAnswer } from './body.ts';

/** Bedrock does not say when it answered. */
export function answerOf(
  choice: Pick<AnswerChoice, 'parts' | 'finish'> & Partial<AnswerChoice>,
  { model, usage }: AboutAnswer,
): ChatAnswer {
  return {
    maker: 'amazon',
    id: null,
    createdSeconds: null,
    model,
    choices: [{ index: 0, isExplained: true, refusal: null, logprobs: null, ...choice }],
    usage,
  };
}

/**
 * The answer to a prompt: one text, cut where the model reached its limit.
 *
 * @param others what else the model said.
 */
export function promptAnswer(
  text: unknown,
  stopReason: unknown,
  others: JsonObject | null,
  about: AboutAnswer,
): ChatAnswer {
  const parts: AnswerPart[] = typeof text === 'string' ? [{ type: 'text', text }] : [];
  const isPlain = isAbsent(stopReason) || stopReason === 'length' || stopReason === 'stop';
  const extra = isPlain ? others : { ...others, stop_reason: stopReason };
  return answerOf({ parts, finish: stopReason === 'length' ? 'length' : 'stop', extra }, about);
}
