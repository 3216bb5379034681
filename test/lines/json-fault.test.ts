import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from '../../lib/lines/json-fault.ts';
import { runs } from '../seed.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('where a text stops being JSON', () => {
  it('is nowhere for JSON, and somewhere for all else', () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '}', ']', '"', ':', 'NaN', '\\', '{', '\u0001', '1', '-', 'e'),
      )
      .map(([json, place, added]) => {
        const at = place % (json.length + 1);
        return json.slice(0, at) + added + json.slice(at + 1);
      });
    fc.assert(
      fc.property(fc.oneof(fc.json(), broken), (text) => {
        const fault = findJsonFault(text);
        expect(fault === null).toBe(isJson(text));
        if (fault) expect(fault.at).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['{"a": NaN}', 6, 'no NaN'],
    ["{'a': 1}", 1, 'json.dumps'],
    ['{"a": True}', 6, 'json.dumps'],
    ['{"a": 1,}', 8, 'one too many'],
    ['{"a": 1} {"b": 2}', 9, 'a line break is missing'],
    ['{"a": 1\uFEFF}', 7, 'byte order mark'],
    ['{"a": "x\ty"}', 8, 'must be written as an escape'],
    ['{"a": "C:\\dir"}', 9, 'a backslash itself is written twice'],
    ['{"a": "x', 8, 'ends inside a text'],
    ['{"a": [1, 2', 11, 'the line ends here'],
    ['{"a" 1}', 5, "':' is missing"],
    ['{"a": 1 "b": 2}', 8, "',' or a closing bracket"],
    ['{a: 1}', 1, 'names stand in double quotes'],
  ])('%s: at %i', (text, at, what) => {
    expect(findJsonFault(text)).toEqual({ at, what: expect.stringContaining(what) });
  });

  it('is found however deep it is nested', () => {
    expect(findJsonFault('['.repeat(200_000))).toMatchObject({ at: 200_000 });
  });
});
