import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blockBytes, placesIn, ResultPlacesEncoder, requestsPerBlock } from '../../lib/lines/result-places.ts';
import { runs } from '../seed.ts';

const result = fc.record({ byteLength: fc.integer({ min: 1, max: 2 ** 29 }), flags: fc.integer({ min: 0, max: 31 }) });

it('any block alone says where the results of its requests stand', () => {
  fc.assert(
    fc.property(fc.array(result, { minLength: 1, maxLength: 3 * requestsPerBlock }), fc.nat(2), (results, block) => {
      const encoder = new ResultPlacesEncoder();
      const pieces = results.map(({ byteLength, flags }) => {
        encoder.add(byteLength, flags);
        return Buffer.from(encoder.take());
      });
      const bytes = Buffer.concat(pieces);
      const ends = { output: 0, errors: 0 };
      const expected = results.map(({ byteLength, flags }, ordinal) => {
        const file = flags % 2 === 1 ? 'output' : 'errors';
        ends[file] += byteLength;
        return { ordinal, byteLength, start: ends[file] - byteLength, succeeded: file === 'output' };
      });
      const first = block * requestsPerBlock;
      const some = bytes.subarray(block * blockBytes, (block + 1) * blockBytes);
      expect(
        [...placesIn(some, block)].map(({ ordinal, byteLength, start, succeeded }) => ({
          ordinal,
          byteLength,
          start,
          succeeded,
        })),
      ).toEqual(expected.slice(first, first + requestsPerBlock));
    }),
    { numRuns: runs(20), examples: [[Array(1_000).fill({ byteLength: 2, flags: 1 }), 1]] },
  );
});
