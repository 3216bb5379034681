import { objectOf } from '../../lines/foreign-json.ts';
import { completionFromMessage } from '../anthropic/completion-from-message.ts';
import { usageFrom } from '../anthropic/result.ts';
import type { AnswerReader } from './body.ts';

/** A message of the Messages API. `created` is the time of this translation: Bedrock does not say when it answered. */
export const claudeReader: AnswerReader = {
  isAnswer: ({ content }) => Array.isArray(content),
  usageOf: ({ usage }) => usageFrom(objectOf(usage)),
  bodyOf: (output, { usage }) => completionFromMessage(output, usage ?? usageFrom(null), Math.floor(Date.now() / 1000)),
};
