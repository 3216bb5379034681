import { messageOf } from '../records/errors.ts';
import { isObject } from '../records/json.ts';
import { parseJson } from '../records/parse-json.ts';

/** Holds values against a schema. */
export interface ValueCheck {
  problemOf(value: unknown): string | null;
}

/** @returns what is wrong with a text that is to be JSON, and to fit a schema if there is one; null for one that is right. */
export function textProblem(text: string, needsObject: boolean, check: ValueCheck | null): string | null {
  try {
    const value = parseJson(text);
    if (needsObject && !isObject(value)) return 'it is no JSON object';
    return check?.problemOf(value) ?? null;
  } catch (error) {
    return `it is no JSON (${messageOf(error)})`;
  }
}
