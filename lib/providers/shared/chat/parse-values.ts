import { isAbsent } from '../../../lines/foreign-json.ts';
import { invalid } from './untranslatable-error.ts';

/** Values that may be left out, and are never taken for left out where they are of another type. */

export function parseText(value: unknown, param: string): string | null {
  if (isAbsent(value)) return null;
  if (typeof value !== 'string') throw invalid(param, 'a string');
  return value;
}

export function parseFlag(value: unknown, param: string): boolean | null {
  if (isAbsent(value)) return null;
  if (typeof value !== 'boolean') throw invalid(param, 'true or false');
  return value;
}
