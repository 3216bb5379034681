import type { TranslatedResult } from '../../contract.ts';
import { type ChatAnswer, completionFrom, isWithoutAnswer } from '../chat/chat-answer.ts';
import { failedLine, openAILine, type ResultSource } from './openai-line.ts';

/**
 * The result line of a model's answer. What came without an answer and without a reason is a failure: it need not come so again.
 *
 * @param about whose answer it is, for messages, and how the provider names the call.
 * @throws RangeError where the answer is nested too deeply.
 */
export function answeredLine(
  source: ResultSource,
  answer: ChatAnswer,
  about: { service: string; requestId: string | null },
): TranslatedResult {
  const { usage } = answer;
  const model = answer.model ?? source.line.model;
  if (isWithoutAnswer(answer)) {
    const message = `${about.service} sent no answer: the model's answer or its call of a tool was malformed, or nothing came.`;
    return failedLine(source, { status: 500, code: 'generation_error', type: 'server_error', message, usage });
  }
  const body = completionFrom({ ...answer, model }, source.lineId);
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: openAILine(source, { status: 200, requestId: about.requestId, body, error: null }),
    succeeded: true,
    retryable: false,
    usage,
    model,
  };
}
