import type { JsonObject } from '../../core/request-line.ts';
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
    ...(usage && {
      usage: {
        prompt_tokens: usage.input_tokens,
        completion_tokens: usage.output_tokens,
        total_tokens: usage.total_tokens,
        prompt_tokens_details: usage.input_tokens_details,
        completion_tokens_details: usage.output_tokens_details,
      },
    }),
  };
}
