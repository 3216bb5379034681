import { parseJson, readJson } from '../records/parse-json.ts';

/**
 * JSON whose numbers survive being parsed and written again: 12345678901234567890 and 1.0 stay what they were, where
 * JavaScript's own would give 12345678901234567000 and 1.
 */

declare global {
  interface JSON {
    /** Text that JSON.stringify writes as it is; a number's own spelling here. Node >= 22, not yet in TypeScript's lib. */
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/**
 * Parses JSON for a value that will only be written again, not read: a number that JavaScript would spell otherwise
 * becomes an opaque object. The slow way is taken only by a text that needs it.
 *
 * @throws SyntaxError where the text is not JSON.
 */
export function parseExact(text: string): unknown {
  return mayLoseNumbers(text) ? readJson(text, keepSpelling) : parseJson(text);
}

// Where a number may begin: -0, 16 digits or more, an exponent, a fraction that ends in 0 or is so small that it becomes an
// exponent. Not within a name: of our own ids, which are hexadecimal, three in four hold what looks like one of these. Text
// matches now and then: that costs time, never truth.
const suspiciousNumber = /(?:^|[:,[\s])(?:-0(?![.\d])|-?(?:[\d.]{16}|\d[\d.]*[eE]|\d+\.(?:\d*0(?!\d)|0{6})))/;

export function mayLoseNumbers(text: string): boolean {
  return suspiciousNumber.test(text);
}

function keepSpelling(spelling: string): unknown {
  const number = Number(spelling);
  return JSON.stringify(number) === spelling ? number : JSON.rawJSON(spelling);
}

/** @returns the number that `parseExact` gave, whatever its spelling; null for anything else. */
export function numberFrom(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'object' && value !== null && 'rawJSON' in value ? Number(value.rawJSON) : null;
}
