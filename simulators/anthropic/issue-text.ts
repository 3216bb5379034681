import type { z } from 'zod';
import { type Issue, issueOfIntendedBranch, optionsOf, valueAt } from '../zod-issues.ts';
import { type AnthropicError, invalidRequest } from './error-reply.ts';

interface PlacedText {
  path: PropertyKey[];
  text: string;
}

/** Says what is wrong with a body in Anthropic's words, such as `max_tokens: Field required`. */
export function complaintOfIssues(issues: Issue[], body: unknown, prefix: string): AnthropicError {
  const issue = issues[0];
  if (issue === undefined) return invalidRequest('Invalid request');
  const { path, text } = describeIssue(issue, body);
  const place = [...(prefix === '' ? [] : [prefix]), ...path.map(String)].join('.');
  return invalidRequest(`${place}: ${text}`);
}

function describeIssue(issue: Issue, body: unknown): PlacedText {
  const { path } = issue;
  const value = valueAt(body, path);
  switch (issue.code) {
    case 'invalid_type':
      return { path, text: value === undefined ? 'Field required' : `Input should be ${typeText(issue.expected)}` };
    case 'unrecognized_keys':
      return { path: [...path, issue.keys[0] ?? ''], text: 'Extra inputs are not permitted' };
    case 'invalid_value':
      return { path, text: value === undefined ? 'Field required' : `Input should be ${listed(issue.values)}` };
    case 'invalid_union':
      return describeUnion(issue, body, value);
    case 'too_big':
      return { path, text: boundText(issue.origin, 'most', Number(issue.maximum), value) };
    case 'too_small':
      return { path, text: boundText(issue.origin, 'least', Number(issue.minimum), value) };
    case 'invalid_format':
      return { path, text: `String should match pattern '${patternText(issue.pattern)}'` };
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return { path, text: issue.message };
  }
}

function describeUnion(issue: z.core.$ZodIssueInvalidUnion, body: unknown, value: unknown): PlacedText {
  const { path } = issue;
  if (value === undefined) return { path, text: 'Field required' };
  const options = optionsOf(issue);
  if (options.length > 0) {
    return {
      path,
      text: `Input tag '${String(value)}' found does not match any of the expected tags: ${listed(options)}`,
    };
  }
  const inner = issueOfIntendedBranch(issue);
  return inner === null ? { path, text: 'Input should be a valid value' } : describeIssue(inner, body);
}

function boundText(origin: string, side: 'least' | 'most', limit: number, value: unknown): string {
  if (origin === 'number' || origin === 'int') {
    return `Input should be ${side === 'least' ? 'greater' : 'less'} than or equal to ${limit}`;
  }
  if (origin === 'string') return `String should have at ${side} ${limit} character${limit === 1 ? '' : 's'}`;
  const length = Array.isArray(value) ? value.length : 0;
  return `List should have at ${side} ${limit} item${limit === 1 ? '' : 's'} after validation, not ${length}`;
}

function typeText(expected: string): string {
  const textByType: Record<string, string> = {
    string: 'a valid string',
    number: 'a valid number',
    int: 'a valid integer',
    boolean: 'a valid boolean',
    array: 'a valid list',
    object: 'a valid dictionary',
    record: 'a valid dictionary',
  };
  return textByType[expected] ?? `of type ${expected}`;
}

function patternText(pattern: string | undefined): string {
  return (pattern ?? '').replace(/^\/|\/$/g, '');
}

function listed(values: readonly unknown[]): string {
  return values.map((value) => `'${String(value)}'`).join(' or ');
}
