import * as z from 'zod/mini';

const count = z.int().check(z.nonnegative());

/** Tokens, in the shape of OpenAI's `Batch.usage`. */
export const usageSchema = z.object({
  input_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count }),
  output_tokens: count,
  output_tokens_details: z.object({ reasoning_tokens: count }),
  total_tokens: count,
});

export type Usage = z.infer<typeof usageSchema>;

export interface TokenCounts {
  input: number;
  cached?: number;
  output: number;
  reasoning?: number;
}

export const noUsage: Usage = usageOf({ input: 0, output: 0 });

/** @param tokens `input` counts the cached ones too, `output` the reasoning ones. */
export function usageOf(tokens: TokenCounts): Usage {
  return {
    input_tokens: tokens.input,
    input_tokens_details: { cached_tokens: tokens.cached ?? 0 },
    output_tokens: tokens.output,
    output_tokens_details: { reasoning_tokens: tokens.reasoning ?? 0 },
    total_tokens: tokens.input + tokens.output,
  };
}

export function addUsage(left: Usage, right: Usage): Usage {
  return usageOf({
    input: left.input_tokens + right.input_tokens,
    cached: left.input_tokens_details.cached_tokens + right.input_tokens_details.cached_tokens,
    output: left.output_tokens + right.output_tokens,
    reasoning: left.output_tokens_details.reasoning_tokens + right.output_tokens_details.reasoning_tokens,
  });
}
