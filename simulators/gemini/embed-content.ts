import { z } from 'zod';
import { rpcError } from '../google/error-reply.ts';
import { type Examination, errorOfTrigger } from '../google/generate-content.ts';
import { SeededRandom } from '../seeded-random.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';

const usualDimensions = 3072;

const embedContentSchema = z.strictObject({
  content: z.strictObject({
    role: z.string().optional(),
    parts: z.array(z.strictObject({ text: z.string().min(1) })).min(1),
  }),
  outputDimensionality: z.int().min(1).max(usualDimensions).optional(),
  taskType: z.string().optional(),
});

/** asyncBatchEmbedContent: one text in, one vector out. */
export function embedContent(request: unknown): Examination {
  const parsed = embedContentSchema.safeParse(request);
  if (!parsed.success)
    return { error: rpcError(400, `Invalid JSON payload received. ${z.prettifyError(parsed.error)}`) };
  const text = parsed.data.content.parts.map((part) => part.text).join('\n');
  const error = errorOfTrigger(triggerIn(text));
  if (error) return { error };
  const random = new SeededRandom(text);
  const length = parsed.data.outputDimensionality ?? usualDimensions;
  const values = Array.from({ length }, () => random.next() - 0.5);
  const inputTokens = countTokens(text);
  const usage = { inputTokens, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  return { response: { embedding: { values }, tokenCount: String(inputTokens) }, usage };
}
