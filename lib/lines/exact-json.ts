import { endOfString, parseJson, readJson } from '../records/parse-json.ts';

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
  return mayLoseNumbers(text) ? readJson(text, numberSpelled) : parseJson(text);
}

/**
 * Whether a text holds a number that JavaScript would spell otherwise: -0, 16 digits or more, an exponent, a fraction that ends in 0
 * or is so small that it becomes an exponent. Looks between the strings alone, which are most of a text. Some that are true would
 * have kept their spelling: that costs time, never truth.
 *
 * @param text valid JSON, or a part of it that begins between two values.
 */
export function mayLoseNumbers(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === quote) at = behindString(text, at + 1);
    else if (!mayBeginNumber(code)) at += 1;
    else {
      const end = endOfNumber(text, at);
      if (mayLose(text, at, end)) return true;
      at = end;
    }
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;

function mayBeginNumber(code: number): boolean {
  return code <= 0x39 && (code >= 0x30 || code === minus);
}

/** Strings up to this length are read character by character; in longer ones the search for the end pays. */
const shortString = 32;

/** @param from where the string's first character stands. */
function behindString(text: string, from: number): number {
  const far = from + shortString;
  for (let at = from; at < far; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (!(code >= 0) || code === backslash) return endOfString(text, at);
  }
  return endOfString(text, far);
}

/** Passes digits, signs, the point and the sign of an exponent. */
function endOfNumber(text: string, from: number): number {
  let at = from + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (!((code >= 0x30 && code <= 0x39) || code === 0x2e || code === minus || code === 0x2b || (code | 0x20) === 0x65))
      return at;
    at += 1;
  }
}

const suspiciousNumber = /^(?:-0$|-?(?:[\d.]{16}|\d[\d.]*[eE]|\d+\.(?:\d*0$|0{6})))/;

function mayLose(text: string, start: number, end: number): boolean {
  // Most are counts.
  if (end - start < 6 && text.charCodeAt(start) !== minus && isWhole(text, start, end)) return false;
  return suspiciousNumber.test(text.slice(start, end));
}

function isWhole(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (!mayBeginNumber(text.charCodeAt(at))) return false;
  return true;
}

/** A number that `JSON.stringify` writes in this spelling. */
export function numberSpelled(spelling: string): unknown {
  const number = Number(spelling);
  return JSON.stringify(number) === spelling ? number : JSON.rawJSON(spelling);
}

/** @returns the number that `parseExact` gave, whatever its spelling; null for anything else. */
export function numberFrom(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'object' && value !== null && 'rawJSON' in value ? Number(value.rawJSON) : null;
}
