import { describe, expect, it } from 'vitest';
import { verdictOn } from '../../lib/lines/verdict.ts';
import { compileCheck } from '../../lib/tables/schema-check.ts';
import { textProblem } from '../../lib/tables/text-problem.ts';

describe('a schema', () => {
  it.each([
    [
      'draft-07',
      { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }], additionalItems: false },
      ['a'],
      [1],
    ],
    [
      '2019-09',
      { $schema: 'https://json-schema.org/draft/2019-09/schema', dependentRequired: { a: ['b'] } },
      { a: 1, b: 2 },
      { a: 1 },
    ],
    [
      '2020-12',
      { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'string' }] },
      ['a'],
      [1],
    ],
    ['no dialect', { prefixItems: [{ type: 'string' }] }, ['a'], [1]],
    [
      'a format, which is an annotation',
      { properties: { at: { type: 'string', format: 'date-time' } } },
      { at: 'noon' },
      { at: 12 },
    ],
    [
      'a reference to itself',
      { $ref: '#/$defs/tree', $defs: { tree: { properties: { left: { $ref: '#/$defs/tree' } }, type: 'object' } } },
      { left: {} },
      { left: 1 },
    ],
    ['a pattern', { properties: { a: { pattern: '^(a+)+$' } } }, { a: 'aaa' }, { a: `${'a'.repeat(50_000)}!` }],
    ['a pattern within a text', { properties: { a: { pattern: '\\d{3}-\\p{L}' } } }, { a: 'no 123-é' }, { a: '123-4' }],
    ['names by patterns', { patternProperties: { '^n_': { type: 'number' } } }, { n_a: 1 }, { n_a: 'x' }],
    [
      'data that looks like a schema',
      { enum: [{ pattern: '(?=a)' }, { $ref: 'https://example.com' }] },
      { pattern: '(?=a)' },
      { pattern: 'b' },
    ],
    [
      'members that are called as keywords are',
      { properties: { const: { type: 'number' }, pattern: { type: 'string' } } },
      { const: 1, pattern: 'x' },
      { const: 'x' },
    ],
    [
      'a reference to its root',
      { type: 'object', properties: { replies: { type: 'array', items: { $ref: '#' } } } },
      { replies: [{ replies: [] }] },
      { replies: [{ replies: [1] }] },
    ],
  ])('of %s is held', (_what, schema, right, wrong) => {
    const check = compileCheck(schema);
    if ('unchecked' in check) throw new Error(check.unchecked);
    expect(check.problemOf(right)).toBeNull();
    expect(check.problemOf(wrong)).toEqual(expect.any(String));
  });

  const nested = (levels: number): object => (levels === 0 ? {} : { properties: { a: nested(levels - 1) } });

  it.each([
    [
      'a look ahead',
      { properties: { a: { pattern: '^(?=a)' } } },
      "it holds the pattern '^(?=a)', which cannot be run",
    ],
    ['a reference to a group', { patternProperties: { '^(a)\\1': {} } }, 'it holds the pattern'],
    ['a pattern in a member called const', { properties: { const: { pattern: '(?<!a)b' } } }, 'it holds the pattern'],
    ['a pattern that is none', { pattern: '(' }, 'it holds the pattern'],
    ['another document', { $ref: 'https://example.com/schema' }, 'another document'],
    ['nothing there', { $ref: '#/no/such' }, 'no schema that can be compiled'],
    ['an unknown type', { type: 'strange' }, 'no schema that can be compiled'],
    ['an old dialect', { $schema: 'http://json-schema.org/draft-04/schema#' }, 'is not known'],
    ['too many levels', nested(100), 'nested deeper'],
    ['too much text', { description: 'x'.repeat(300_000) }, 'more than'],
  ])('with %s is not checked', (_what, schema, why) => {
    expect(compileCheck({ ...schema })).toEqual({ unchecked: expect.stringContaining(why) });
  });
});

describe('an answer', () => {
  const isA = (text: string) => (text === 'a' ? null : 'it is no a');
  const chat = (...choices: object[]) => ({ choices });
  const choice = (content: string | null, more: object = {}) => ({
    message: { content, ...more },
    finish_reason: 'stop',
  });

  it.each([
    ['a chat completion', chat(choice('a'))],
    ['several choices', chat(choice('a'), choice('a'))],
    ['tool calls alone', chat(choice(null, { tool_calls: [{}] }))],
    ['a text that fits at the limit', chat({ ...choice('a'), finish_reason: 'length' })],
    ['a response', { output: [{ type: 'reasoning' }, { content: [{ type: 'output_text', text: 'a' }] }] }],
    ['a message', { content: [{ type: 'text', text: 'a' }] }],
    ['a completion', chat({ text: 'a' })],
  ])('of %s can be used', (_what, body) => {
    expect(verdictOn(body, isA)).toEqual({ usable: true });
  });

  it.each([
    ['one wrong choice', chat(choice('a'), choice('b')), 'invalid_output'],
    ['no text', chat(choice(null)), 'invalid_output'],
    ['no choices', chat(), 'invalid_output'],
    ['nothing', null, 'invalid_output'],
    ['a refusal', chat(choice(null, { refusal: 'no' })), 'refused'],
    ['a filter', chat({ ...choice('b'), finish_reason: 'content_filter' }), 'refused'],
    ['a refused response', { output: [{ content: [{ type: 'refusal', refusal: 'no' }] }] }, 'refused'],
    ['a refused message', { content: [], stop_reason: 'refusal' }, 'refused'],
    ['a cut chat completion', chat({ ...choice('b'), finish_reason: 'length' }), 'truncated'],
    ['a cut response', { status: 'incomplete', output: [{ content: [{ text: 'b' }] }] }, 'truncated'],
    ['a cut message', { content: [{ text: 'b' }], stop_reason: 'max_tokens' }, 'truncated'],
  ])('of %s cannot', (_what, body, code) => {
    expect(verdictOn(body, isA)).toMatchObject({ usable: false, code });
  });
});

describe('what is wrong with a text', () => {
  it.each([
    ['Confidential: the client is insolvent', 1],
    ['{"diagnosis": Confidential}', 15],
    ['{"client": "Confidential', 25],
    ['{"a": 1} Confidential', 10],
  ])('that is no JSON (%s) has a place, and nothing of the text', (text, place) => {
    const problem = textProblem(text, false, null);
    expect(problem).toMatch(new RegExp(`^it is no JSON \\(at character ${place}: `));
    expect(problem).not.toContain('onfidential');
  });

  it('that its check cannot judge does not read as if it were no JSON', () => {
    const check = {
      problemOf: () => {
        throw new RangeError('Maximum call stack size exceeded');
      },
    };
    expect(textProblem('{}', false, check)).toBe(
      'it cannot be held against its schema (Maximum call stack size exceeded)',
    );
  });

  it('that holds no object where one was asked for says so', () => {
    expect(textProblem('[]', true, null)).toBe('it is no JSON object');
    expect(textProblem('{}', true, null)).toBeNull();
  });
});
