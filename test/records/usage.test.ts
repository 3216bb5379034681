import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addUsage, tokensOf, usageOf } from '../../lib/records/usage.ts';

const count = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000_000 }));
const counts = fc.record({
  input: count,
  cached: count,
  written: count,
  writtenForHour: count,
  inputAudio: count,
  inputImage: count,
  cachedAudio: count,
  cachedImage: count,
  output: count,
  reasoning: count,
  outputAudio: count,
  outputImage: count,
});

describe('usage', () => {
  it('keeps every count, and names rare kinds only where there are some, in one order', () => {
    fc.assert(
      fc.property(counts, (tokens) => {
        const usage = usageOf(tokens);
        expect(tokensOf(usage)).toEqual(tokens);
        expect(JSON.stringify(usage)).toBe(JSON.stringify(spread(tokens)));
      }),
    );
  });

  it('adds up kind by kind', () => {
    fc.assert(
      fc.property(counts, counts, (left, right) => {
        const sum: Record<string, number> = {};
        for (const [kind, tokens] of Object.entries(left)) sum[kind] = tokens;
        for (const [kind, tokens] of Object.entries(right)) sum[kind] = (sum[kind] ?? 0) + tokens;
        expect(tokensOf(addUsage(usageOf(left), usageOf(right)))).toEqual(sum);
      }),
    );
  });
});

/** The same as an object that is written down at once. */
function spread(tokens: ReturnType<typeof tokensOf>): object {
  return {
    input_tokens: tokens.input,
    input_tokens_details: {
      cached_tokens: tokens.cached,
      ...(tokens.written && { cache_write_tokens: tokens.written }),
      ...(tokens.writtenForHour && { cache_write_1h_tokens: tokens.writtenForHour }),
      ...(tokens.inputAudio && { audio_tokens: tokens.inputAudio }),
      ...(tokens.inputImage && { image_tokens: tokens.inputImage }),
      ...(tokens.cachedAudio && { cached_audio_tokens: tokens.cachedAudio }),
      ...(tokens.cachedImage && { cached_image_tokens: tokens.cachedImage }),
    },
    output_tokens: tokens.output,
    output_tokens_details: {
      reasoning_tokens: tokens.reasoning,
      ...(tokens.outputAudio && { audio_tokens: tokens.outputAudio }),
      ...(tokens.outputImage && { image_tokens: tokens.outputImage }),
    },
    total_tokens: tokens.input + tokens.output,
  };
}
