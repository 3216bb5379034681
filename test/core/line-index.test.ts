import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeLineIndex, encodeLineEntry, encodeResultIndex, ResultIndex } from '../../lib/core/line-index.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const span = fc.record({ start: u32, end: u32 });
const entry = fc.record({
  ordinal: u32,
  lineNumber: u32,
  byteLength: u32,
  format: fc.constantFrom('openai' as const, 'anthropic' as const),
  spans: fc.record({ customId: span, model: span }),
  customId: fc.option(
    fc.string({ unit: 'grapheme', maxLength: 100 }).map((id) => Buffer.from(id).toString('utf8')),
    { nil: null },
  ),
});

it('a line index gives back what was put in', () => {
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      expect(decodeLineIndex(Buffer.concat(entries.map(encodeLineEntry)))).toEqual(entries);
    }),
  );
});

it('a result index gives back what was put in', () => {
  const result = fc.record({
    ordinal: u32,
    succeeded: fc.boolean(),
    retryable: fc.boolean(),
    unexecuted: fc.boolean(),
    expired: fc.boolean(),
    byteLength: u32,
  });
  fc.assert(
    fc.property(fc.array(result), (results) => {
      const index = new ResultIndex(encodeResultIndex(results));
      expect(Array.from({ length: index.length }, (_, place) => index.entry(place))).toEqual(results);
    }),
  );
});
