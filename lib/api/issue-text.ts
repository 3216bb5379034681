import type { z } from 'zod';
import { ApiError } from './api-error.ts';

type Issue = z.core.$ZodIssue;

/** Says what is wrong with a request, in the words of OpenAI's API; the first issue, as there. */
export function invalidRequest(error: z.ZodError, request: unknown): ApiError {
  const [issue] = error.issues;
  if (!issue) return new ApiError(400, 'Invalid request.');
  const param = paramOf(issue.path);
  const value = valueAt(request, issue.path);
  if (value === undefined) return missing(param);
  const { message, code } = explain(issue, param, value);
  return new ApiError(400, message, { param: param === '' ? null : param, code });
}

export function missing(param: string): ApiError {
  return new ApiError(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
}

/** OpenAI's words for a value that is none of the possible ones. */
export function unsupportedValue(param: string, value: string, supported: readonly unknown[]): ApiError {
  return new ApiError(400, unsupportedText(value, supported), { param, code: 'invalid_value' });
}

function explain(issue: Issue, param: string, value: unknown): { message: string; code: string } {
  const name = param === '' ? 'body' : param;
  switch (issue.code) {
    case 'invalid_type':
      return {
        message: `Invalid type for '${name}': expected ${withArticle(issue.expected)}, but got ${kindOf(value)} instead.`,
        code: 'invalid_type',
      };
    case 'invalid_value':
      return typeof value === 'string'
        ? { message: unsupportedText(value, issue.values), code: 'invalid_value' }
        : {
            message: `Invalid type for '${name}': expected one of ${listValues(issue.values)}, but got ${kindOf(value)} instead.`,
            code: 'invalid_type',
          };
    case 'too_small':
      return outOfBounds(name, 'minimum', { ...issue, limit: Number(issue.minimum) }, value);
    case 'too_big':
      return outOfBounds(name, 'maximum', { ...issue, limit: Number(issue.maximum) }, value);
    case 'invalid_key':
      return { message: `Invalid '${name}': a key has 1 to 64 characters.`, code: 'invalid_value' };
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_element':
    case 'custom':
      return { message: `Invalid '${name}': ${issue.message}.`, code: 'invalid_value' };
  }
}

function unsupportedText(value: string, supported: readonly unknown[]): string {
  return `Invalid value: '${value.slice(0, 200)}'. Supported values are: ${listValues(supported)}.`;
}

interface Bound {
  /** What is counted: a number itself, or the length of something. */
  origin: string;
  limit: number;
  inclusive?: boolean | undefined;
}

function outOfBounds(
  name: string,
  bound: 'minimum' | 'maximum',
  { origin, limit, inclusive = true }: Bound,
  value: unknown,
) {
  const [word, side] = bound === 'minimum' ? ['below', 'min'] : ['above', 'max'];
  if (origin === 'number' || origin === 'int') {
    const sign = `${bound === 'minimum' ? '>' : '<'}${inclusive ? '=' : ''}`;
    const kind = Number.isInteger(value) && Number.isInteger(limit) ? 'integer' : 'decimal';
    return {
      message: `Invalid '${name}': ${kind} ${word} ${bound} value. Expected a value ${sign} ${limit}.`,
      code: `${kind}_${word}_${side}_value`,
    };
  }
  const message = `Invalid '${name}': ${origin} length is ${word} its ${bound}. Expected ${bound} length ${limit}.`;
  return { message, code: `${origin}_${word}_${side}_length` };
}

/** `output_expires_after.seconds`, `part_ids[0]` */
function paramOf(path: PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part).slice(0, 64)}`))
    .join('')
    .replace(/^\./, '');
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, part)?.value;
  }
  return found;
}

function listValues(values: readonly unknown[]): string {
  const quoted = values.map((value) => `'${String(value)}'`);
  const last = quoted.pop() ?? '';
  if (quoted.length === 0) return last;
  return `${quoted.join(', ')}${quoted.length > 1 ? ',' : ''} and ${last}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : withArticle(typeof value);
}

function withArticle(name: string): string {
  const word = name === 'record' ? 'object' : name === 'int' ? 'integer' : name;
  return `${/^[aeio]/.test(word) ? 'an' : 'a'} ${word}`;
}
