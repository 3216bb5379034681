import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayLoseNumbers, parseExact } from '../../lib/lines/exact-json.ts';
import { runs } from '../seed.ts';

describe('parseExact', () => {
  it.each([
    '12345678901234567890',
    '1.0',
    '-0',
    '1e5',
    '1E-7',
    '0.0000001',
    '1234567.12345678901',
    '100000000000000000000000',
    '1.10',
    '0.30',
  ])('keeps %s as it was written', (number) => {
    const text = `{"a":[${number},{"b":${number}}],"c":${number}}`;

    expect(JSON.stringify(parseExact(text))).toBe(text);
  });

  it('keeps any number, in any spelling', () => {
    const digits = fc.stringMatching(/^(0|[1-9]\d{0,22})(\.\d{1,22})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(digits, fc.constantFrom('', '-'), fc.constantFrom('', ' ', '\n'), (digitsOf, sign, space) => {
        const number = sign + digitsOf;
        for (const [before, behind] of [
          ['', ''],
          ['[', ']'],
          ['[1,', ']'],
          ['{"a":', '}'],
        ] as const)
          expect(JSON.stringify(parseExact(before + space + number + behind))).toBe(before + number + behind);
      }),
      { numRuns: runs(2000) },
    );
  });

  it('knows every number that would be spelled otherwise, wherever it stands and whatever stands in strings before it', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,17})(\.\d{1,9})?([eE][+-]?\d{1,3})?$/);
    const strings = fc.array(
      fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('\\', '"', ':1.0,', 'a\\"'.repeat(20))),
    );
    fc.assert(
      fc.property(strings, digits, fc.boolean(), (before, number, isMember) => {
        const text = isMember
          ? `{"s":${JSON.stringify(before)},"n":${number}}`
          : `[${JSON.stringify(before)}, ${number}]`;
        if (JSON.stringify(Number(number)) !== number) expect(mayLoseNumbers(text)).toBe(true);
        expect(mayLoseNumbers(JSON.stringify([before, 42, 0.5]))).toBe(false);
      }),
      { numRuns: runs(300) },
    );
  });

  it('is JSON.parse for all else', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(JSON.stringify(parseExact(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('takes the slow way only where a number needs it', () => {
    expect(mayLoseNumbers('{"temperature":0.75,"n":42,"date":"2026-01-05","id":-7}')).toBe(false);
    expect(mayLoseNumbers('{"n":1.50}')).toBe(true);
    expect(mayLoseNumbers('{"id":"b0123456789abcdef0123456789abc3e500000200100000"}')).toBe(false);
  });
});
