import { isUtf8 } from 'node:buffer';
import { isObject, type JsonObject } from '../records/json.ts';
import { parseJson } from '../records/parse-json.ts';

/** Readers for what others wrote: anything may be missing or of another type. */

/** @returns the object that a line holds, or null where it is not UTF-8, not JSON or no object. */
export function objectFrom(bytes: Buffer): JsonObject | null {
  try {
    const text = bytes.toString('utf8');
    // What is no UTF-8 is decoded as this character; a text without it needs no second look.
    if (text.includes('\ufffd') && !isUtf8(bytes)) return null;
    const value: unknown = parseJson(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function objectOf(value: unknown): JsonObject | null {
  return isObject(value) ? value : null;
}

/** Null stands for a member that is not set. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** The members that say something, but those of these names; null where there are none. */
export function membersBeyond(value: JsonObject, names: ReadonlySet<string>): JsonObject | null {
  let others: JsonObject | null = null;
  for (const name in value) {
    const member = value[name];
    if (names.has(name) || isAbsent(member) || (Array.isArray(member) && member.length === 0)) continue;
    others ??= {};
    others[name] = member;
  }
  return others;
}

/** @returns null for the empty text as well. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/**
 * Tokens of one answer are never as many: the longest contexts have ten million. The sums of all answers that a batch can have
 * stay exact, and so does their price.
 */
const maxCount = 100_000_000;

/** @returns 0 for whatever is no count, or none that an answer can have. */
export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= maxCount ? value : 0;
}

/** A number, also one written as a text; NaN for anything else. Other values may throw where they are converted. */
export function numericOf(value: unknown): number {
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
}
