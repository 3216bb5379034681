import { exactBody } from '../../../lines/exact-body.ts';
import type { RequestLine } from '../../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';

/** The body of a chat completion, and how its numbers were written. */
export interface ChatBody {
  body: JsonObject;
  exact: ExactBody;
}

/** Finds a value of the body by its path, with its numbers as they were written. */
export type ExactBody = (...path: readonly (string | number)[]) => unknown;

/** The exact body is read when it is first asked for: few requests have numbers that could lose anything. */
export function chatBodyOf(request: RequestLine): ChatBody {
  let read: JsonObject | undefined;
  return {
    body: request.body,
    exact: (...path) => {
      read ??= exactBody(request);
      return path.reduce<unknown>(memberOf, read);
    },
  };
}

function memberOf(value: unknown, name: string | number): unknown {
  return Array.isArray(value) || isObject(value) ? Reflect.get(value, name) : undefined;
}
