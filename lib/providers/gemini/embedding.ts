import type { RequestLine } from '../../core/request-line.ts';
import { usageOf } from '../../core/usage.ts';
import { isAbsent } from '../anthropic/dropped-parameters.ts';
import { invalid } from '../anthropic/untranslatable-error.ts';
import { countOf } from '../foreign-json.ts';
import { leaveOutOthers, unsupported, type Warnings } from '../google/untranslatable.ts';

/** Embeddings <-> asyncBatchEmbedContent. Source: https://ai.google.dev/gemini-api/docs/batch-api#batch-embedding */

interface EmbedContentRequest {
  content: { parts: [{ text: string }] };
  outputDimensionality?: number;
}

/** @throws UntranslatableError for what one line of Gemini's cannot say. */
export function embedContentFrom({ body }: RequestLine, warnings: Warnings): EmbedContentRequest {
  leaveOutOthers(body, ['model', 'input', 'dimensions', 'encoding_format'], 'body', warnings);
  if (!isAbsent(body.encoding_format) && body.encoding_format !== 'float')
    throw unsupported('body.encoding_format', "ask for 'float'");
  return { content: { parts: [{ text: textFrom(body.input) }] }, ...dimensionsFrom(body.dimensions) };
}

function textFrom(input: unknown): string {
  const only: unknown = Array.isArray(input) && input.length === 1 ? input[0] : input;
  if (typeof only === 'string' && only !== '') return only;
  if (Array.isArray(only) && typeof only[0] === 'string')
    throw unsupported('body.input', 'it embeds one text in a line; write a line for each');
  if (Array.isArray(only)) throw unsupported('body.input', 'send the text itself, not tokens of another model');
  throw invalid('body.input', 'a text');
}

function dimensionsFrom(dimensions: unknown): Pick<EmbedContentRequest, 'outputDimensionality'> {
  if (isAbsent(dimensions)) return {};
  if (typeof dimensions === 'number' && Number.isInteger(dimensions) && dimensions > 0)
    return { outputDimensionality: dimensions };
  throw invalid('body.dimensions', 'a whole number above 0');
}

/** @param tokenCount a string, as Google writes counts. */
export function embeddingUsage(tokenCount: unknown): ReturnType<typeof usageOf> {
  return usageOf({ input: countOf(Number(tokenCount)), output: 0 });
}

/** The answer in OpenAI's form. Gemini does not repeat the model. */
export function embeddingList(values: unknown, promptTokens: number): object {
  return {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: values }],
    model: null,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}
