import { textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';

export interface ErrorDetail {
  code: string | null;
  message: string | null;
  type: string | null;
  param: string | null;
}

/**
 * What an error of Mistral's says, however it is written: `{message, type, param, code}`, that within `error`, a text, or
 * `{detail: [{loc, msg}]}`, also within `message`.
 */
export function errorDetailFrom(body: unknown): ErrorDetail {
  if (typeof body === 'string') return { code: null, message: textOf(body), type: null, param: null };
  const error = isObject(body) ? (isObject(body.error) ? body.error : body) : {};
  const code = typeof error.code === 'number' ? String(error.code) : textOf(error.code);
  return { code, message: messageFrom(error), type: textOf(error.type), param: textOf(error.param) };
}

function messageFrom(error: JsonObject): string | null {
  const { message } = error;
  const detail = isObject(message) ? message.detail : error.detail;
  return textOf(message) ?? textOf(detail) ?? textOf(error.error) ?? issuesFrom(detail);
}

function issuesFrom(detail: unknown): string | null {
  if (!Array.isArray(detail)) return null;
  const issues = detail.filter(isObject).map((issue) => {
    const place = Array.isArray(issue.loc) ? `${issue.loc.filter(isKey).join('.')}: ` : '';
    return `${place}${textOf(issue.msg) ?? 'wrong'}`;
  });
  return textOf(issues.join('; '));
}

function isKey(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}
