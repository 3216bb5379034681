import { exactBody } from '../../lines/exact-body.ts';
import { countOf, isAbsent } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { usageOf } from '../../records/usage.ts';
import type { RequestTarget } from '../contract.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { singleText } from '../shared/single-text.ts';
import type { EmbeddingReader } from './body.ts';

/** What is read of an embeddings line. */
const keys: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'encoding_format']);

/**
 * The body of Titan Text Embeddings V2: one text, one vector. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, read 2026-11.
 */
export function titanBodyFromEmbeddings(
  request: RequestLine,
  _target: RequestTarget,
  notes: TranslationNotes,
): JsonObject {
  const { body } = request;
  notes.dropOthers(body, keys, 'body');
  if (!isAbsent(body.encoding_format) && body.encoding_format !== 'float')
    throw notes.unsupported('body.encoding_format', "ask for 'float'");
  const { dimensions } = body;
  if (!isAbsent(dimensions) && !Number.isInteger(dimensions)) throw invalid('body.dimensions', '256, 512 or 1024');
  return {
    inputText: singleText(body.input, notes),
    ...(!isAbsent(dimensions) && { dimensions: exactBody(request).dimensions }),
  };
}

export const titanReader: EmbeddingReader = {
  isAnswer: (output) => isVector(vectorOf(output)),
  usageOf: ({ inputTextTokenCount: input }) => (isAbsent(input) ? null : usageOf({ input: countOf(input), output: 0 })),
  bodyOf: (output, { model, usage }) => ({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: vectorOf(output) }],
    model,
    usage: { prompt_tokens: usage?.input_tokens ?? 0, total_tokens: usage?.input_tokens ?? 0 },
  }),
};

function vectorOf({ embedding, embeddingsByType: byType }: JsonObject): unknown {
  return embedding ?? (isObject(byType) ? byType.float : undefined);
}

function isVector(value: unknown): boolean {
  return Array.isArray(value) && value.every((component) => typeof component === 'number');
}
