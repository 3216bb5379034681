import * as z from 'zod/mini';

const count = z.int().check(z.nonnegative());
/** What few answers have: it stands there only where it is above 0, so that OpenAI's own shape is kept else. */
const rareCount = z.optional(count);

/** Tokens, in the shape of OpenAI's `Batch.usage`, and beside it the kinds that have prices of their own. */
export const usageSchema = z.object({
  input_tokens: count,
  input_tokens_details: z.object({
    cached_tokens: count,
    /** Written to a cache, for whatever time. */
    cache_write_tokens: rareCount,
    /** Of the written: those that the cache keeps for an hour. */
    cache_write_1h_tokens: rareCount,
    audio_tokens: rareCount,
    image_tokens: rareCount,
    /** Of the cached. */
    cached_audio_tokens: rareCount,
    cached_image_tokens: rareCount,
  }),
  output_tokens: count,
  output_tokens_details: z.object({
    reasoning_tokens: count,
    audio_tokens: rareCount,
    image_tokens: rareCount,
  }),
  total_tokens: count,
});

export type Usage = z.infer<typeof usageSchema>;

/** `input` counts all tokens that went in and `output` all that came out; the others are parts of these two. */
interface TokenCounts {
  input: number;
  cached?: number;
  written?: number;
  writtenForHour?: number;
  inputAudio?: number;
  inputImage?: number;
  cachedAudio?: number;
  cachedImage?: number;
  output: number;
  reasoning?: number;
  outputAudio?: number;
  outputImage?: number;
}

export const noUsage: Usage = usageOf({ input: 0, output: 0 });

export function usageOf(tokens: TokenCounts): Usage {
  const input: Usage['input_tokens_details'] = { cached_tokens: tokens.cached ?? 0 };
  if (tokens.written) input.cache_write_tokens = tokens.written;
  if (tokens.writtenForHour) input.cache_write_1h_tokens = tokens.writtenForHour;
  if (tokens.inputAudio) input.audio_tokens = tokens.inputAudio;
  if (tokens.inputImage) input.image_tokens = tokens.inputImage;
  if (tokens.cachedAudio) input.cached_audio_tokens = tokens.cachedAudio;
  if (tokens.cachedImage) input.cached_image_tokens = tokens.cachedImage;
  const output: Usage['output_tokens_details'] = { reasoning_tokens: tokens.reasoning ?? 0 };
  if (tokens.outputAudio) output.audio_tokens = tokens.outputAudio;
  if (tokens.outputImage) output.image_tokens = tokens.outputImage;
  return {
    input_tokens: tokens.input,
    input_tokens_details: input,
    output_tokens: tokens.output,
    output_tokens_details: output,
    total_tokens: tokens.input + tokens.output,
  };
}

/** The same counts with names of our own, each of them there. */
export function tokensOf(usage: Usage): Required<TokenCounts> {
  const { input_tokens_details: input, output_tokens_details: output } = usage;
  return {
    input: usage.input_tokens,
    cached: input.cached_tokens,
    written: input.cache_write_tokens ?? 0,
    writtenForHour: input.cache_write_1h_tokens ?? 0,
    inputAudio: input.audio_tokens ?? 0,
    inputImage: input.image_tokens ?? 0,
    cachedAudio: input.cached_audio_tokens ?? 0,
    cachedImage: input.cached_image_tokens ?? 0,
    output: usage.output_tokens,
    reasoning: output.reasoning_tokens,
    outputAudio: output.audio_tokens ?? 0,
    outputImage: output.image_tokens ?? 0,
  };
}

export function addUsage(left: Usage, right: Usage): Usage {
  const sum = new UsageSum();
  sum.add(left);
  sum.add(right);
  return sum.usage;
}

/** Adds up the usage of many answers. */
export class UsageSum {
  readonly #tokens = tokensOf(noUsage);

  add(usage: Usage): void {
    const sum = this.#tokens;
    const added = tokensOf(usage);
    sum.input += added.input;
    sum.cached += added.cached;
    sum.written += added.written;
    sum.writtenForHour += added.writtenForHour;
    sum.inputAudio += added.inputAudio;
    sum.inputImage += added.inputImage;
    sum.cachedAudio += added.cachedAudio;
    sum.cachedImage += added.cachedImage;
    sum.output += added.output;
    sum.reasoning += added.reasoning;
    sum.outputAudio += added.outputAudio;
    sum.outputImage += added.outputImage;
  }

  get usage(): Usage {
    return usageOf(this.#tokens);
  }
}
