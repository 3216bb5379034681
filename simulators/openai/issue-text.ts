import type { z } from 'zod';
import { type Issue, issueOfIntendedBranch, optionsOf, valueAt } from '../zod-issues.ts';
import { type ErrorBody, invalidRequest } from './error-reply.ts';

/** Says what is wrong with a request body in OpenAI's words. */
export function refusalOfIssues(issues: Issue[], body: unknown): ErrorBody {
  const issue = issues[0];
  return issue === undefined ? invalidRequest('Invalid request.') : refusalOfIssue(issue, body);
}

function refusalOfIssue(issue: Issue, body: unknown): ErrorBody {
  const param = paramName(issue.path);
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue, param, body);
    case 'unrecognized_keys':
      return unknownParameter(issue, param);
    case 'invalid_value':
      return wrongValue(issue.values, param, body, issue.path);
    case 'invalid_union':
      return wrongUnion(issue, param, body);
    case 'too_big':
      return outOfRange(issue.origin, 'max', Number(issue.maximum), param, valueAt(body, issue.path));
    case 'too_small':
      return outOfRange(issue.origin, 'min', Number(issue.minimum), param, valueAt(body, issue.path));
    case 'invalid_format':
      return invalidRequest(badFormatText(issue, param, valueAt(body, issue.path)), param, 'invalid_value');
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return invalidRequest(`Invalid '${param}': ${issue.message}`, param, 'invalid_value');
  }
}

function wrongType(issue: z.core.$ZodIssueInvalidType, param: string, body: unknown): ErrorBody {
  const value = valueAt(body, issue.path);
  if (value === undefined) return missing(param);
  const message = `Invalid type for '${param}': expected ${withArticle(issue.expected)}, but got ${describe(value)} instead.`;
  return invalidRequest(message, param, 'invalid_type');
}

function unknownParameter(issue: z.core.$ZodIssueUnrecognizedKeys, param: string): ErrorBody {
  const key = issue.keys[0] ?? '';
  const name = param === '' ? key : `${param}.${key}`;
  return invalidRequest(`Unknown parameter: '${name}'.`, name, 'unknown_parameter');
}

function wrongValue(values: readonly unknown[], param: string, body: unknown, path: PropertyKey[]): ErrorBody {
  const value = valueAt(body, path);
  if (value === undefined) return missing(param);
  if (typeof value !== 'string') {
    const message = `Invalid type for '${param}': expected one of ${listed(values)}, but got ${describe(value)} instead.`;
    return invalidRequest(message, param, 'invalid_type');
  }
  const message = `Invalid value: '${value}'. Supported values are: ${listed(values)}.`;
  return invalidRequest(message, param, 'invalid_value');
}

function wrongUnion(issue: z.core.$ZodIssueInvalidUnion, param: string, body: unknown): ErrorBody {
  const value = valueAt(body, issue.path);
  if (value === undefined) return missing(param);
  const options = optionsOf(issue);
  if (options.length > 0) return wrongValue(options, param, body, issue.path);
  const inner = issueOfIntendedBranch(issue);
  if (inner !== null) return refusalOfIssue(inner, body);
  const expected = issue.errors.flatMap((branch) => branch.map(expectedText));
  const message = `Invalid type for '${param}': expected one of ${[...new Set(expected)].join(' or ')}, but got ${describe(value)} instead.`;
  return invalidRequest(message, param, 'invalid_type');
}

function expectedText(issue: Issue): string {
  if (issue.code === 'invalid_type') return withArticle(issue.expected);
  return issue.code === 'invalid_value' ? listed(issue.values) : 'another value';
}

function outOfRange(origin: string, side: 'min' | 'max', limit: number, param: string, value: unknown): ErrorBody {
  const word = side === 'min' ? 'below minimum' : 'above maximum';
  const sign = side === 'min' ? '>=' : '<=';
  if (origin === 'number' || origin === 'int') {
    const sort = isDecimal(param) ? 'decimal' : 'integer';
    const message = `Invalid '${param}': ${sort} ${word} value. Expected a value ${sign} ${limit}, but got ${String(value)} instead.`;
    return invalidRequest(message, param, `${sort}_${side === 'min' ? 'below_min' : 'above_max'}_value`);
  }
  if (Array.isArray(value) && value.length === 0) {
    const message = `Invalid '${param}': empty array. Expected an array with minimum length ${limit}, but got an empty array instead.`;
    return invalidRequest(message, param, 'empty_array');
  }
  const sort = origin === 'array' ? 'array' : 'string';
  const long = side === 'min' ? 'short' : 'long';
  const length = typeof value === 'string' || Array.isArray(value) ? value.length : 0;
  const bound = side === 'min' ? 'minimum' : 'maximum';
  const message = `Invalid '${param}': ${sort} too ${long}. Expected ${withArticle(sort)} with ${bound} length ${limit}, but got ${withArticle(sort)} with length ${length} instead.`;
  return invalidRequest(message, param, `${sort}_${side === 'min' ? 'below_min' : 'above_max'}_length`);
}

/** Parameters that need not be whole numbers are called decimals whatever was given. */
function isDecimal(param: string): boolean {
  return /(temperature|top_p|_penalty|logit_bias\.\w+)$/.test(param);
}

function badFormatText(issue: z.core.$ZodIssueInvalidStringFormat, param: string, value: unknown): string {
  if (issue.format === 'url') {
    return `Invalid '${param}'. Expected a valid URL, but got a value with an invalid format.`;
  }
  return `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '${issue.pattern ?? issue.format}', but got '${String(value)}' instead.`;
}

function missing(param: string): ErrorBody {
  return invalidRequest(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');
}

/** `messages[0].role` */
function paramName(path: PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function listed(values: readonly unknown[]): string {
  const quoted = values.map((value) => `'${String(value)}'`);
  const last = quoted.pop();
  return quoted.length === 0 ? String(last) : `${quoted.join(', ')}${quoted.length > 1 ? ',' : ''} and ${last}`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return withArticle(typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'decimal') : typeof value);
}

function withArticle(name: string): string {
  const word = name === 'record' ? 'object' : name === 'int' ? 'integer' : name;
  return `${/^[aeio]/.test(word) ? 'an' : 'a'} ${word}`;
}
