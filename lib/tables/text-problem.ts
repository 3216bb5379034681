import { findJsonFault } from '../lines/json-fault.ts';
import { messageOf } from '../records/errors.ts';
import { isObject } from '../records/json.ts';
import { parseJson } from '../records/parse-json.ts';

/** Holds values against a schema. */
export interface ValueCheck {
  problemOf(value: unknown): string | null;
}

/**
 * What is wrong with a text that is to be JSON, and to fit a schema if there is one. It quotes nothing of the text: warnings are kept
 * for longer than answers.
 *
 * @returns null for one that is right.
 */
export function textProblem(text: string, needsObject: boolean, check: ValueCheck | null): string | null {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    const fault = findJsonFault(text);
    return fault === null ? 'it is no JSON' : `it is no JSON (at character ${fault.at + 1}: ${fault.what})`;
  }
  if (needsObject && !isObject(value)) return 'it is no JSON object';
  try {
    return check?.problemOf(value) ?? null;
  } catch (error) {
    return `it cannot be held against its schema (${messageOf(error)})`;
  }
}
