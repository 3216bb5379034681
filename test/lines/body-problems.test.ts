import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyProblems } from '../../lib/lines/body-problems.ts';
import { parseRequestLine } from '../../lib/lines/request-line.ts';
import { type Endpoint, endpoints } from '../../lib/records/endpoints.ts';
import { parseJson } from '../../lib/records/parse-json.ts';
import { runs } from '../seed.ts';

const messages = [{ role: 'user', content: 'Hello' }];

/** Right bodies with what each endpoint requires and no more. */
const least: Record<Endpoint, Record<string, unknown>> = {
  '/v1/chat/completions': { model: 'm', messages },
  '/v1/responses': { model: 'm', input: 'Hello' },
  '/v1/embeddings': { model: 'm', input: ['Hello', 'you'] },
  '/v1/completions': { model: 'm', prompt: 'Hello' },
  '/v1/moderations': { model: 'm', input: 'Hello' },
  '/v1/images/generations': { model: 'm', prompt: 'A cat' },
  '/v1/images/edits': { model: 'm', prompt: 'A dog' },
  '/v1/videos': { model: 'm', prompt: 'A film' },
  '/v1/messages': { model: 'm', messages, max_tokens: 10 },
};

const rich: [Endpoint, object][] = [
  [
    '/v1/chat/completions',
    {
      messages: [
        { role: 'assistant', content: null, tool_calls: [] },
        { role: 'tool', content: 'x', tool_call_id: 'a' },
      ],
    },
  ],
  [
    '/v1/chat/completions',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'x' },
            { type: 'image_url', image_url: { url: 'https://x' } },
          ],
        },
      ],
    },
  ],
  ['/v1/chat/completions', { temperature: null, stop: ['a'], response_format: { type: 'json_object' }, n: 2 }],
  ['/v1/responses', { input: null, prompt: { id: 'pmpt_1' } }],
  [
    '/v1/responses',
    { input: [{ type: 'function_call_output', call_id: 'a', output: 'x' }], text: { format: { type: 'text' } } },
  ],
  ['/v1/embeddings', { input: [[1, 2], [3]] }],
];

describe('nothing is wrong with', () => {
  it.each(endpoints)('what %s requires and no more', (endpoint) => {
    expect(bodyProblems(endpoint, least[endpoint])).toEqual([]);
  });

  it.each(rich)('%s %j', (endpoint, more) => {
    expect(bodyProblems(endpoint, { ...least[endpoint], ...more })).toEqual([]);
  });

  it('members that nobody knows, whatever they hold', () => {
    const member = fc.tuple(
      fc.string().map((name) => `x_${name}`),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...endpoints), fc.array(member), (endpoint, members) => {
        expect(bodyProblems(endpoint, { ...least[endpoint], ...Object.fromEntries(members) })).toEqual([]);
      }),
      { numRuns: runs(100) },
    );
  });

  it('a number that keeps its own spelling', () => {
    const body = parseJson('{"model":"m","input":"x","temperature":1.00000000000000000001,"max_output_tokens":1e2}');
    expect(bodyProblems('/v1/responses', body as Record<string, unknown>)).toEqual([]);
  });

  it('the requests of the examples', () => {
    const files = globSync('examples/*.jsonl');
    expect(files.length).toBeGreaterThan(3);
    for (const file of files)
      for (const [place, text] of readFileSync(file, 'utf8').trim().split('\n').entries()) {
        const parsed = parseRequestLine({ lineNumber: place + 1, bytes: Buffer.from(text) } as never, undefined);
        if (parsed.ok)
          expect(bodyProblems(parsed.request.endpoint, parsed.request.body), `${file}:${place + 1}`).toEqual([]);
      }
  });
});

describe('a problem is named, with its place', () => {
  it.each(endpoints)('where %s lacks what it requires', (endpoint) => {
    const [problem] = bodyProblems(endpoint, { model: 'm' });
    expect(problem?.message).toMatch(/^Missing required parameter: '(messages|input|prompt)'\.$/);
  });

  it.each<[Endpoint, object, string, RegExp]>([
    ['/v1/chat/completions', { messages: 'hi' }, 'messages', /expected an array, but got a string/],
    ['/v1/chat/completions', { messages: [] }, 'messages', /below the minimum of 1/],
    ['/v1/chat/completions', { messages: [{ content: 'x' }] }, 'messages[0].role', /Missing required parameter/],
    [
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      'messages[0].content[0].type',
      /expected one of 'text'/,
    ],
    [
      '/v1/chat/completions',
      { response_format: { type: 'json_schema' } },
      'response_format.json_schema',
      /Missing required parameter/,
    ],
    ['/v1/chat/completions', { temperature: 9 }, 'temperature', /above the maximum of 2/],
    ['/v1/chat/completions', { max_tokens: 'many' }, 'max_tokens', /Invalid type for 'max_tokens'/],
    ['/v1/responses', { input: 7 }, 'input', /Invalid type for 'input': a number/],
    ['/v1/embeddings', { input: [] }, 'input', /Invalid/],
    ['/v1/messages', { messages: [{ role: 'user' }] }, 'messages[0].content', /Missing required parameter/],
  ])('%s %j', (endpoint, more, param, message) => {
    const [problem] = bodyProblems(endpoint, { ...least[endpoint], ...more });
    expect(problem?.param).toBe(param);
    expect(problem?.message).toMatch(message);
  });
});
