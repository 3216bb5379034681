import { textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { parseJson } from '../../records/parse-json.ts';

/** What an error of a provider says; null where it says nothing of it. */
export interface SaidError {
  code: string | null;
  message: string | null;
  type: string | null;
  param: string | null;
}

const nothing: SaidError = { code: null, message: null, type: null, param: null };

/** Errors stand within errors where one server passes on what another has said. */
const maxDepth = 4;

/**
 * Reads an error however it is written: a text; `{message, type, param, code}`, also within `error` or `message`, or first in a list;
 * a numeric code; FastAPI's `detail` with a text, an object or what is wrong in each place; a list of `errors`.
 */
export function saidError(body: unknown, depth = 0): SaidError {
  const message = textOf(body);
  if (message !== null) return { ...nothing, message };
  if (Array.isArray(body)) return { ...saidIn(body[0], depth), message: issuesFrom(body, depth) };
  if (!isObject(body)) return nothing;
  const inner = saidIn(body.error ?? body.errors, depth);
  return {
    code: inner.code ?? codeOf(body.code),
    message: inner.message ?? messageFrom(body, depth),
    type: inner.type ?? textOf(body.type),
    param: inner.param ?? textOf(body.param),
  };
}

function saidIn(value: unknown, depth: number): SaidError {
  return depth < maxDepth ? saidError(value, depth + 1) : nothing;
}

function codeOf(code: unknown): string | null {
  return typeof code === 'number' ? String(code) : textOf(code);
}

function messageFrom({ message, detail, title }: JsonObject, depth: number): string | null {
  return textOf(message) ?? saidIn(message, depth).message ?? saidIn(detail, depth).message ?? textOf(title);
}

/** FastAPI's `[{loc, msg}]`, or a list of errors. */
function issuesFrom(list: readonly unknown[], depth: number): string | null {
  const issues = list.slice(0, 10).flatMap((issue) => {
    const said = isObject(issue) ? textOf(issue.msg) : null;
    const message = said ?? saidIn(issue, depth).message;
    return message === null ? [] : [`${placeOf(issue)}${message}`];
  });
  return textOf(issues.join('; '));
}

function placeOf(issue: unknown): string {
  const place = isObject(issue) && Array.isArray(issue.loc) ? issue.loc.filter(isKey).join('.') : '';
  return place === '' ? '' : `${place}: `;
}

function isKey(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

/** Of a page of HTML that much shows who has answered. */
const maxRawCharacters = 300;

/** Reads the body of a refusal. Where it is no JSON, or none that says anything, its first characters are the message. */
export function saidInBody(text: string): SaidError {
  const said = saidError(parsedOrNull(text));
  return said.message === null ? { ...said, message: firstCharacters(text) } : said;
}

function parsedOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

function firstCharacters(text: string): string | null {
  const line = text
    .slice(0, 4 * maxRawCharacters)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return textOf(line.length > maxRawCharacters ? `${line.slice(0, maxRawCharacters)}…` : line);
}
