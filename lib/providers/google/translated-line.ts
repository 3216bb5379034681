import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import type { TranslatedRequest, Warning } from '../provider.ts';
import type { Warnings } from './untranslatable.ts';

/** Makes a line of what a translation gives; where it gives up, an error. */
export function translatedLine(translate: (warnings: Warnings) => object): TranslatedRequest {
  const warnings = new Map<string, Warning>();
  try {
    const bytes = Buffer.from(JSON.stringify(translate(warnings)));
    return { ok: true, bytes, warnings: [...warnings.values()] };
  } catch (error) {
    return { ok: false, error: refusalFrom(error) };
  }
}

function refusalFrom(error: unknown): { code: string; message: string; param: string } {
  if (error instanceof UntranslatableError) return { code: error.code, message: error.message, param: error.param };
  if (!(error instanceof RangeError)) throw error;
  const message = 'This request is nested too deeply to be translated; nest it less.';
  return { code: 'invalid_request', message, param: 'body' };
}
