import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { SeededRandom } from '../seeded-random.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import { invalidRequest } from './error-reply.ts';
import type { Answer, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';

/** Inputs in one request. Source: OpenAI's API reference. */
const maxInputs = 2048;

const dimensionsByModel: Record<string, number> = {
  'text-embedding-3-small': 1536,
  'text-embedding-3-large': 3072,
  'text-embedding-ada-002': 1536,
};
const usualDimensions = 1536;

const tokens = z.array(z.int().nonnegative()).min(1);
const embeddingRequestSchema = z.strictObject({
  model: z.string(),
  input: z.union([
    z.string(),
    z.array(z.string()).min(1).max(maxInputs),
    tokens,
    z.array(tokens).min(1).max(maxInputs),
  ]),
  dimensions: z.int().min(1).optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
  user: z.string().optional(),
});
type EmbeddingRequest = z.infer<typeof embeddingRequestSchema>;

/** /v1/embeddings */
export function examineEmbeddings(body: JsonObject): Examination {
  const parsed = embeddingRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const request = parsed.data;
  const complaint = embeddingComplaint(request);
  if (complaint !== null) return refuse(complaint);
  const inputs = inputTexts(request);
  const refusal = refusalOfTrigger(triggerIn(inputs.join('\n')));
  return refusal === null ? { answer: () => answerEmbeddings(request, inputs) } : { refusal };
}

/** How many inputs a request brings; malformed ones count as one. */
export function countEmbeddingInputs(body: JsonObject): number {
  const input = body.input;
  return Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1;
}

function embeddingComplaint(request: EmbeddingRequest) {
  if (inputTexts(request).some((text) => text === '')) {
    return invalidRequest(
      "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
    );
  }
  if (request.dimensions === undefined) return null;
  if (request.model === 'text-embedding-ada-002') {
    return invalidRequest('This model does not support specifying dimensions.');
  }
  const most = dimensionsByModel[request.model] ?? usualDimensions;
  if (request.dimensions <= most) return null;
  const message = `Invalid value for 'dimensions' = ${request.dimensions}. Must be less than or equal to ${most}.`;
  return invalidRequest(message, 'dimensions');
}

/** The inputs as texts; token arrays stand for themselves. */
function inputTexts(request: EmbeddingRequest): string[] {
  const { input } = request;
  if (typeof input === 'string') return [input];
  if (typeof input[0] === 'number') return [input.join(' ')];
  return input.map((each) => (Array.isArray(each) ? each.join(' ') : String(each)));
}

function answerEmbeddings(request: EmbeddingRequest, inputs: string[]): Answer {
  const dimensions = request.dimensions ?? dimensionsByModel[request.model] ?? usualDimensions;
  const inputTokens = inputs.reduce((sum, text) => sum + countTokens(text), 0);
  const body = {
    object: 'list',
    data: inputs.map((text, index) => ({
      object: 'embedding',
      index,
      embedding: encode(embed(`${request.model} ${text}`, dimensions), request.encoding_format ?? 'float'),
    })),
    model: request.model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
  return { body, usage: { inputTokens, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 } };
}

/** A vector of length one that depends on the text and the model alone. */
function embed(text: string, dimensions: number): Float32Array {
  const random = new SeededRandom(text);
  const vector = Float32Array.from({ length: dimensions }, () => random.next() - 0.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function encode(vector: Float32Array, format: 'float' | 'base64'): string | number[] {
  if (format === 'base64') return Buffer.from(vector.buffer).toString('base64');
  return Array.from(vector, (value) => Math.round(value * 1e8) / 1e8);
}
