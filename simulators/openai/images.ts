import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import type { Answer, AnswerSeed, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';

/** A transparent PNG of one pixel: a real image, and small enough for a batch of fifty thousand. */
const onePixelPng = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

/** Tokens of an image of the usual size and quality. */
const outputTokensPerImage = 1056;

const imageFields = {
  model: z.string(),
  prompt: z.string().min(1).max(32_000),
  background: z.enum(['transparent', 'opaque', 'auto']).nullish(),
  n: z.int().min(1).max(10).nullish(),
  output_compression: z.int().min(0).max(100).nullish(),
  output_format: z.enum(['png', 'webp', 'jpeg', 'gif', 'svg']).nullish(),
  quality: z.enum(['low', 'medium', 'high', 'xhigh', 'max', 'auto', 'standard', 'hd']).nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
  safety_identifier: z.string().nullish(),
  size: z.string().nullish(),
  stream: z.literal(false).nullish(),
  user: z.string().optional(),
};
const imageReference = z.strictObject({ image_url: z.string().optional(), file_id: z.string().optional() });
const generationSchema = z.strictObject({
  ...imageFields,
  moderation: z.enum(['low', 'auto']).nullish(),
  style: z.enum(['vivid', 'natural']).nullish(),
});
const editSchema = z.strictObject({
  ...imageFields,
  images: z.array(imageReference).min(1).max(16),
  input_fidelity: z.enum(['high', 'low']).nullish(),
  mask: imageReference.nullish(),
});
type ImageRequest = Pick<z.infer<typeof generationSchema>, keyof typeof imageFields>;

/** /v1/images/generations */
export function examineImageGeneration(body: JsonObject): Examination {
  const parsed = generationSchema.safeParse(body);
  return parsed.success ? examineImages(parsed.data) : refuse(refusalOfIssues(parsed.error.issues, body));
}

/** /v1/images/edits, in the JSON form that a batch line can hold. */
export function examineImageEdit(body: JsonObject): Examination {
  const parsed = editSchema.safeParse(body);
  return parsed.success ? examineImages(parsed.data) : refuse(refusalOfIssues(parsed.error.issues, body));
}

function examineImages(request: ImageRequest): Examination {
  const refusal = refusalOfTrigger(triggerIn(request.prompt));
  return refusal === null ? { answer: (seed) => answerImages(request, seed) } : { refusal };
}

function answerImages(request: ImageRequest, seed: AnswerSeed): Answer {
  const count = request.n ?? 1;
  const inputTokens = countTokens(request.prompt);
  const outputTokens = count * outputTokensPerImage;
  const body = {
    created: seed.createdSeconds,
    background: request.background === 'transparent' ? 'transparent' : 'opaque',
    data: Array.from({ length: count }, () => ({ b64_json: onePixelPng })),
    output_format: 'png',
    quality: request.quality == null || request.quality === 'auto' ? 'medium' : request.quality,
    size: request.size == null || request.size === 'auto' ? '1024x1024' : request.size,
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { image_tokens: 0, text_tokens: inputTokens },
      output_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    },
  };
  return { body, usage: { inputTokens, cachedTokens: 0, outputTokens, reasoningTokens: 0 } };
}
