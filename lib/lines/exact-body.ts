import { isObject, type JsonObject } from '../records/json.ts';
import { mayLoseNumbers, parseExact } from './exact-json.ts';
import type { RequestLine } from './request-line.ts';

/** A request's body once more, with its numbers as they were written. */
export function exactBody(request: RequestLine): JsonObject {
  const text = request.bytes.toString('utf8');
  if (!mayLoseNumbers(text)) return request.body;
  const line = parseExact(text);
  const body = isObject(line) ? line[request.format === 'openai' ? 'body' : 'params'] : undefined;
  return isObject(body) ? body : request.body;
}

/**
 * The answer in a result line once more, with its numbers as they were written; null where a plain parse reads them so.
 *
 * @param path the members of the line that lead to the answer.
 */
export function exactAnswer(bytes: Buffer, path: readonly string[]): JsonObject | null {
  const text = bytes.toString('utf8');
  if (!mayLoseNumbers(text)) return null;
  const answer = path.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), parseExact(text));
  return isObject(answer) ? answer : null;
}
