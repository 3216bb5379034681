import { isObject, type JsonObject } from '../../../records/json.ts';
import { invalid } from './untranslatable-error.ts';

/**
 * Reads an array of objects, each with its place.
 *
 * @param expected what it should be, for the error.
 */
export function objectsOf<Node>(
  values: unknown,
  param: string,
  expected: string,
  read: (value: JsonObject, param: string, index: number) => Node,
): Node[] {
  if (!Array.isArray(values)) throw invalid(param, expected);
  return values.map((value: unknown, index) => {
    const place = `${param}[${index}]`;
    if (!isObject(value)) throw invalid(place, 'an object');
    return read(value, place, index);
  });
}
