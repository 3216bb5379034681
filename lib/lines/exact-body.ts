import { isObject, type JsonObject } from '../records/json.ts';
import { mayLoseNumbers, parseExact } from './exact-json.ts';
import type { RequestLine } from './request-line.ts';

/** A request's body once more, with its numbers as they were written: for schemas, which go on untouched. */
export function exactBody(request: RequestLine): JsonObject {
  const text = request.bytes.toString('utf8');
  if (!mayLoseNumbers(text)) return request.body;
  const line = parseExact(text);
  return isObject(line) && isObject(line.body) ? line.body : request.body;
}
