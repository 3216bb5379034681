import { countOf, isAbsent, numericOf, objectOf } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { singleText } from '../shared/single-text.ts';

/** Embeddings <-> asyncBatchEmbedContent. Source: https://ai.google.dev/gemini-api/docs/batch-api#batch-embedding */

interface EmbedContentRequest {
  content: { parts: [{ text: string }] };
  outputDimensionality?: number;
}

const taken: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format']);

/** @throws UntranslatableError for what one line of Gemini's cannot say. */
export function embedContentFrom({ body }: RequestLine, notes: TranslationNotes): EmbedContentRequest {
  notes.dropOthers(body, taken, 'body');
  if (!isAbsent(body.encoding_format) && body.encoding_format !== 'float')
    throw notes.unsupported('body.encoding_format', "ask for 'float'");
  return { content: { parts: [{ text: singleText(body.input, notes) }] }, ...dimensionsFrom(body.dimensions) };
}

function dimensionsFrom(dimensions: unknown): Pick<EmbedContentRequest, 'outputDimensionality'> {
  if (isAbsent(dimensions)) return {};
  if (typeof dimensions === 'number' && Number.isInteger(dimensions) && dimensions > 0)
    return { outputDimensionality: dimensions };
  throw invalid('body.dimensions', 'a whole number above 0');
}

/** A batch has `tokenCount`, a string as Google writes counts; a call of its own has `usageMetadata`. Null where neither is there. */
export function embeddingUsage({ tokenCount, usageMetadata }: JsonObject): Usage | null {
  const count = tokenCount ?? objectOf(usageMetadata)?.promptTokenCount;
  return isAbsent(count) ? null : usageOf({ input: countOf(numericOf(count)), output: 0 });
}

/** The answer in OpenAI's form. Gemini does not repeat the model, which is the line's. */
export function embeddingList(values: unknown, promptTokens: number, model: string | null): object {
  return {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: values }],
    model,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}
