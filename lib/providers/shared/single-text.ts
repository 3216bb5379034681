import type { TranslationNotes } from './chat/translation-notes.ts';
import { invalid } from './chat/untranslatable-error.ts';

/**
 * The one text of an embeddings line, where a provider's request has place for no more.
 *
 * @throws UntranslatableError for several texts, for tokens, and for no text.
 */
export function singleText(input: unknown, notes: TranslationNotes): string {
  const only: unknown = Array.isArray(input) && input.length === 1 ? input[0] : input;
  if (typeof only === 'string' && only !== '') return only;
  if (Array.isArray(only) && typeof only[0] === 'string')
    throw notes.unsupported('body.input', 'it embeds one text in a line; write a line for each');
  if (Array.isArray(only)) throw notes.unsupported('body.input', 'send the text itself, not tokens of another model');
  throw invalid('body.input', 'a text');
}
