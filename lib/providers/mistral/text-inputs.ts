import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';

/** Bodies that hold texts to be read. Source: @mistralai/mistralai 2.7 `EmbeddingRequest`, `ClassificationRequest`. */

const embeddingsKeys: ReadonlySet<string> = new Set([
  'model',
  'input',
  'dimensions',
  'encoding_format',
  'metadata',
  'output_dimension',
  'output_dtype',
]);
const moderationKeys: ReadonlySet<string> = new Set(['model', 'input', 'metadata']);

/** @param exact the body with its numbers as they were written. */
export function embeddingsBodyFrom(body: JsonObject, exact: JsonObject, notes: TranslationNotes): JsonObject {
  requireTexts(body, notes);
  notes.dropOthers(body, embeddingsKeys, 'body');
  const { dimensions, output_dimension: own, ...others } = present(exact, embeddingsKeys);
  if (dimensions !== undefined && own !== undefined)
    notes.drop('body.output_dimension', "'dimensions' stands beside it");
  const dimension = dimensions ?? own;
  return { ...others, ...(dimension !== undefined && { output_dimension: dimension }) };
}

export function moderationBodyFrom(body: JsonObject, exact: JsonObject, notes: TranslationNotes): JsonObject {
  requireTexts(body, notes);
  notes.dropOthers(body, moderationKeys, 'body');
  return present(exact, moderationKeys);
}

function requireTexts({ input }: JsonObject, notes: TranslationNotes): void {
  const inputs = Array.isArray(input) ? input : [input];
  if (!inputs.every((text) => typeof text === 'string'))
    throw notes.unsupported('body.input', 'write it as a string or an array of strings');
}

/** The members of these names that are set, but the model, which the job says. */
function present(body: JsonObject, names: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => name !== 'model' && names.has(name) && !isAbsent(value)),
  );
}
