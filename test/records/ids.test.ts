import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeholderLineId, positionOf, positionWithin, providerLineId, sendingPrefix } from '../../lib/records/ids.ts';

const sending = fc.record({
  batchId: fc.stringMatching(/^batch_[0-9a-f]{32}$/),
  round: fc.integer({ min: 0, max: 9 }),
  shard: fc.integer({ min: 0, max: 1_679_615 }),
  attempt: fc.integer({ min: 1, max: 46_655 }),
});
const position = fc.integer({ min: 0, max: 999_999 });

describe('provider line ids', () => {
  it("keep to the strictest provider's rule and name their line", () => {
    fc.assert(
      fc.property(sending, position, (name, place) => {
        const prefix = sendingPrefix(name);
        const id = providerLineId(prefix, place);
        expect(id).toMatch(/^[a-z0-9]{1,64}$/);
        expect(id.length).toBe(placeholderLineId.length);
        expect(positionOf(id, prefix)).toBe(place);
        expect(positionWithin(`{"custom_id":"${id}`, prefix)).toBe(place);
      }),
    );
  });

  it('differ between sendings, so that no result is taken for another', () => {
    fc.assert(
      fc.property(sending, sending, position, (one, other, place) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(positionOf(providerLineId(sendingPrefix(one), place), sendingPrefix(other))).toBeNull();
      }),
    );
  });

  it('refuse numbers that do not fit rather than wrap around', () => {
    const batchId = `batch_${'0'.repeat(32)}`;
    expect(() => sendingPrefix({ batchId, round: 0, shard: 36 ** 4, attempt: 1 })).toThrow(RangeError);
  });
});
