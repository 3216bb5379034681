import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import type { TranslatedRequest, Warning } from '../provider.ts';
import type { Warnings } from './untranslatable.ts';

/**
 * Makes a line of what a translation gives; where it gives up, an error.
 *
 * @param idName the member that holds our id: `key` at the Gemini API, `custom_id` at Vertex.
 * @param translate gives the request, as a value or as JSON.
 */
export function translatedLine(
  idName: 'key' | 'custom_id',
  lineId: string,
  translate: (warnings: Warnings) => object | Buffer,
): TranslatedRequest {
  const warnings = new Map<string, Warning>();
  try {
    const request = translate(warnings);
    const json = request instanceof Buffer ? request : Buffer.from(JSON.stringify(request));
    const start = Buffer.from(`{"${idName}":${JSON.stringify(lineId)},"request":`);
    return { ok: true, bytes: Buffer.concat([start, json, Buffer.from('}')]), warnings: [...warnings.values()] };
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
