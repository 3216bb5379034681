import { z } from 'zod';
import type { SeededRandom } from '../seeded-random.ts';
import { countTokens } from '../usage.ts';
import { type Examiner, examiner, textUsage } from './examination.ts';

/** Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, read 2026-11. */
const bodySchema = z.strictObject({
  inputText: z.string().min(1).max(50_000),
  dimensions: z.union([z.literal(256), z.literal(512), z.literal(1024)]).optional(),
  normalize: z.boolean().optional(),
  embeddingTypes: z.array(z.enum(['float', 'binary'])).optional(),
});

export const examineTitan: Examiner = examiner(
  bodySchema,
  ({ inputText }) => inputText,
  ({ inputText, dimensions = 1024 }, _question, { random }) => {
    const embedding = vector(dimensions, random);
    const inputTextTokenCount = countTokens(inputText);
    return {
      output: { embedding, embeddingsByType: { float: embedding }, inputTextTokenCount },
      usage: textUsage(inputTextTokenCount, 0),
    };
  },
);

/** A vector of length one, as Titan's are unless asked otherwise. */
function vector(dimensions: number, random: SeededRandom): number[] {
  const components = Array.from({ length: dimensions }, () => random.next() * 2 - 1);
  const length = Math.hypot(...components);
  return components.map((component) => component / length);
}
