import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import type { Answer, AnswerSeed, Examination } from '../openai/examination.ts';
import { refusalOfIssues } from '../openai/issue-text.ts';
import { refusalOfTrigger, refuse } from '../openai/line-refusals.ts';
import { SeededRandom } from '../seeded-random.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';

// Source: @mistralai/mistralai 2.7 `EmbeddingRequest$Outbound` and `ClassificationRequest$Outbound`, without the model.
const input = z.union([z.string(), z.array(z.string()).min(1)]);
const metadata = z.record(z.string(), z.unknown()).nullish();
const embeddingRequestSchema = z.strictObject({
  input,
  metadata,
  output_dimension: z.int().min(1).nullish(),
  output_dtype: z.enum(['float', 'int8', 'uint8', 'binary', 'ubinary']).optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
});
const moderationRequestSchema = z.strictObject({ input, metadata });

/** Short, since nobody looks at them. */
const usualDimensions = 64;

/** /v1/embeddings */
export function examineEmbeddings(body: JsonObject): Examination {
  const parsed = embeddingRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const dimensions = parsed.data.output_dimension ?? usualDimensions;
  const embed = (text: string, index: number) => ({
    object: 'embedding',
    embedding: vectorOf(text, dimensions),
    index,
  });
  return examined([parsed.data.input].flat(), (texts) => ({ object: 'list', data: texts.map(embed) }));
}

/** /v1/moderations */
export function examineModeration(body: JsonObject): Examination {
  const parsed = moderationRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  return examined([parsed.data.input].flat(), (texts) => ({ results: texts.map(judge) }));
}

function examined(texts: string[], contentOf: (texts: string[]) => JsonObject): Examination {
  const refusal = refusalOfTrigger(triggerIn(texts.join('\n')));
  return refusal === null ? { answer: (seed) => answer(texts, contentOf(texts), seed) } : { refusal };
}

function answer(texts: string[], content: JsonObject, { ids }: AnswerSeed): Answer {
  const inputTokens = countTokens(texts.join(' '));
  return {
    usage: { inputTokens, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
    body: {
      id: ids.hex(32),
      model: 'mistral-simulated-2611',
      ...content,
      usage: { prompt_tokens: inputTokens, total_tokens: inputTokens, completion_tokens: 0 },
    },
  };
}

function vectorOf(text: string, dimensions: number): number[] {
  const random = new SeededRandom(text);
  return Array.from({ length: dimensions }, () => Math.round((random.next() - 0.5) * 1e8) / 1e8);
}

/** Without `flagged`, which Mistral leaves to the reader. */
function judge(text: string): JsonObject {
  const random = new SeededRandom(text);
  const isViolent = /\b(kill|murder|attack)\b/i.test(text);
  return {
    categories: { sexual: false, hate_and_discrimination: false, violence_and_threats: isViolent },
    category_scores: {
      sexual: random.next() / 1000,
      hate_and_discrimination: random.next() / 1000,
      violence_and_threats: isViolent ? 0.95 : random.next() / 1000,
    },
  };
}
