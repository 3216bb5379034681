import type { JsonObject } from '../../records/json.ts';
import { completionUsage } from '../shared/chat/completion-usage.ts';
import type { AboutAnswer } from './body.ts';

/** `created` is the time of this translation: Bedrock does not say when it answered. */
export function completionOf(
  message: JsonObject,
  finishReason: string,
  { lineId, model, usage }: AboutAnswer,
): JsonObject {
  return {
    id: `chatcmpl-${lineId}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', refusal: null, ...message },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    ...(usage && { usage: completionUsage(usage) }),
  };
}
