import fc from 'fast-check';
import { expect, it } from 'vitest';
import { usageFrom as anthropicUsage } from '../../lib/providers/anthropic/result.ts';
import { embeddingUsage } from '../../lib/providers/gemini/embedding.ts';
import { usageFrom as mistralUsage } from '../../lib/providers/mistral/result.ts';
import { usageFrom as openaiUsage } from '../../lib/providers/openai-family/result.ts';
import type { JsonObject } from '../../lib/records/json.ts';
import { tokensOf, type Usage, UsageSum, usageSchema } from '../../lib/records/usage.ts';
import { runs } from '../seed.ts';

/** The most lines of one batch: 10,000 shards of a thousand. A sum over them must stay an integer that JSON keeps. */
const mostAnswers = 10_000_000;

const absurd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(-1, 0.5, 1e300, -1e300, 2 ** 53, Number.MAX_SAFE_INTEGER, Number.NaN, Number.POSITIVE_INFINITY),
  fc.constantFrom('12', 'NaN', '1e300', '', null, true, [], {}, { toString: 1 }),
  fc.integer(),
  fc.double(),
);
const names = [
  ...['input_tokens', 'output_tokens', 'prompt_tokens', 'completion_tokens', 'total_tokens', 'tokenCount'],
  ...['cache_read_input_tokens', 'cache_creation_input_tokens', 'num_cached_tokens', 'promptTokenCount'],
];
const details = fc.dictionary(
  fc.constantFrom('cached_tokens', 'audio_tokens', 'image_tokens', 'reasoning_tokens', 'ephemeral_1h_input_tokens'),
  absurd,
);
const detailNames = fc.constantFrom(
  ...['input_tokens_details', 'output_tokens_details', 'prompt_tokens_details', 'completion_tokens_details'],
  ...['cache_creation', 'usageMetadata'],
);
const usage = fc
  .tuple(fc.dictionary(fc.constantFrom(...names), absurd), fc.dictionary(detailNames, fc.oneof(details, absurd)))
  .map(([counts, parts]): JsonObject => ({ ...counts, ...parts }));

const readers: Record<string, (usage: JsonObject) => Usage | null> = {
  openai: (found) => openaiUsage({ usage: found }),
  anthropic: anthropicUsage,
  mistral: mistralUsage,
  gemini: embeddingUsage,
};

it.each(Object.entries(readers))(
  'whatever %s counts, a record holds it and the sum of a whole batch',
  (_name, read) => {
    fc.assert(
      fc.property(usage, (found) => {
        const counted = read(found);
        if (!counted) return;
        expect(usageSchema.safeParse(counted).error).toBeUndefined();
        for (const tokens of Object.values(tokensOf(counted)))
          expect(Number.isSafeInteger(tokens * mostAnswers), `${tokens}`).toBe(true);
        const sum = new UsageSum();
        sum.add(counted);
        sum.add(counted);
        expect(usageSchema.safeParse(sum.usage).error).toBeUndefined();
      }),
      { numRuns: runs(300) },
    );
  },
);
