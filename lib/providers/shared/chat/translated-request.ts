import type { TranslatedRequest } from '../../contract.ts';
import { TranslationNotes } from './translation-notes.ts';
import { UntranslatableError } from './untranslatable-error.ts';

/**
 * Makes the provider's line of what a translation gives; where it gives up, an error.
 *
 * @param service its name, for messages.
 */
export function translatedRequest(service: string, translate: (notes: TranslationNotes) => Buffer): TranslatedRequest {
  const notes = new TranslationNotes(service);
  try {
    return { ok: true, bytes: translate(notes), warnings: notes.warnings };
  } catch (error) {
    return { ok: false, error: refusalFrom(error, 'body') };
  }
}

/**
 * @param root where the request stands in its line.
 * @throws what is no failure of a translation.
 */
export function refusalFrom(error: unknown, root: string): { code: string; message: string; param: string } {
  if (error instanceof UntranslatableError) return { code: error.code, message: error.message, param: error.param };
  if (!(error instanceof RangeError)) throw error;
  const message = 'This request is nested too deeply to be translated; nest it less.';
  return { code: 'invalid_request', message, param: root };
}
