import type { AnswerChoice, AnswerPart, ChatAnswer } from '../shared/chat/chat-answer.ts';
import type { AboutAnswer } from './body.ts';

/** `created` is the time of this translation: Bedrock does not say when it answered. */
export function answerOf(
  choice: Pick<AnswerChoice, 'parts' | 'finish'> & Partial<AnswerChoice>,
  { lineId, model, usage }: AboutAnswer,
): ChatAnswer {
  return {
    maker: 'amazon',
    id: `chatcmpl-${lineId}`,
    createdSeconds: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, isExplained: true, refusal: null, logprobs: null, ...choice }],
    usage,
  };
}

/** The answer to a prompt: one text, cut where the model reached its limit. */
export function promptAnswer(text: unknown, stopReason: unknown, about: AboutAnswer): ChatAnswer {
  const parts: AnswerPart[] = typeof text === 'string' ? [{ type: 'text', text }] : [];
  return answerOf({ parts, finish: stopReason === 'length' ? 'length' : 'stop' }, about);
}
