import { objectOf } from '../../lines/foreign-json.ts';
import { answerFromMessage } from '../anthropic/answer-from-message.ts';
import { usageFrom } from '../anthropic/result.ts';
import type { ChatReader } from './body.ts';

/** A message of the Messages API. */
export const claudeReader: ChatReader = {
  isAnswer: ({ content }) => Array.isArray(content),
  usageOf: ({ usage }) => usageFrom(objectOf(usage)),
  answerOf: (output, { usage }) => answerFromMessage(output, usage),
};
