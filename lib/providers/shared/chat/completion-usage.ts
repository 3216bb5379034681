import type { Usage } from '../../../records/usage.ts';

/** The usage of a chat completion. Source: https://platform.openai.com/docs/api-reference/chat/object */
export function completionUsage(usage: Usage): object {
  return {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.total_tokens,
    prompt_tokens_details: usage.input_tokens_details,
    completion_tokens_details: usage.output_tokens_details,
  };
}
