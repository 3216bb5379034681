import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineIndex, LineIndexEncoder, ResultIndex, ResultIndexEncoder } from '../../lib/lines/line-index.ts';

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
      const encoder = new LineIndexEncoder();
      const pieces = entries.map((entry, place) => {
        encoder.add(entry);
        return place % 3 === 0 ? Buffer.from(encoder.take()) : Buffer.alloc(0);
      });
      const index = new LineIndex(Buffer.concat([...pieces, encoder.take()]));
      expect(Array.from({ length: index.length }, (_, position) => index.entry(position))).toEqual(entries);
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
    lost: fc.boolean(),
    byteLength: u32,
  });
  fc.assert(
    fc.property(fc.array(result), (results) => {
      const encoder = new ResultIndexEncoder();
      for (const entry of results) encoder.add(entry);
      const index = new ResultIndex(encoder.finish());
      expect(Array.from({ length: index.length }, (_, place) => index.entry(place))).toEqual(results);
    }),
  );
});
