import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustomIds } from '../../lib/lines/custom-ids.ts';
import { type Bits64, halfSipHash } from '../../lib/lines/half-siphash.ts';

/** What a Map of the ids themselves would answer. */
function expectedHits(ids: readonly string[]): (number | null)[] {
  const lineOf = new Map<string, number>();
  return ids.map((id, place) => {
    const earlier = lineOf.get(id);
    if (earlier === undefined) lineOf.set(id, place + 1);
    return earlier ?? null;
  });
}

function hits(ids: readonly string[], set = new CustomIds()): (number | null)[] {
  return ids.map((id, place) => set.add(id, place + 1));
}

describe('CustomIds', () => {
  it('finds the same doubled ids as a map of the ids themselves', () => {
    const id = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 0, max: 300 }).map((number) => `request-${number}`),
    );
    fc.assert(
      fc.property(fc.array(id, { maxLength: 500 }), (ids) => {
        expect(hits(ids)).toEqual(expectedHits(ids));
      }),
    );
  });

  it('keeps hundreds of thousands of ids apart while it grows', () => {
    const ids = Array.from({ length: 300_000 }, (_, number) => `request-${number}`);
    const set = new CustomIds();
    expect(hits(ids, set).every((hit) => hit === null)).toBe(true);
    expect(set.add('request-299999', 300_001)).toBe(300_000);
    expect(set.suspects).toEqual([{ earlierLine: 300_000, laterLine: 300_001 }]);
  });

  it('takes different ids with one hash for suspects, and loses neither', () => {
    const firstLetter = (text: string, _key: Bits64, into: Bits64) => {
      into.low = text.charCodeAt(0);
      into.high = 7;
    };
    const set = new CustomIds(firstLetter);
    expect(hits(['apple', 'banana', 'avocado', 'cherry', 'blueberry'], set)).toEqual([null, null, 1, null, 2]);
    expect(set.suspects).toEqual([
      { earlierLine: 1, laterLine: 3 },
      { earlierLine: 2, laterLine: 5 },
    ]);
  });

  it('finds places for hashes that all want the same one', () => {
    const crowded = (text: string, _key: Bits64, into: Bits64) => {
      into.low = 0xffff_ffff;
      into.high = 256 * Number(text);
    };
    const ids = Array.from({ length: 1_000 }, (_, number) => String(number));
    expect(hits([...ids, ...ids], new CustomIds(crowded))).toEqual(expectedHits([...ids, ...ids]));
  });

  it('keeps at most 10,000 suspects', () => {
    const set = new CustomIds();
    hits(
      Array.from({ length: 12_000 }, () => 'same'),
      set,
    );
    expect(set.suspects).toHaveLength(10_000);
  });
});

describe('halfSipHash', () => {
  const hashOf = (text: string, key: Bits64): string => {
    const hash = { low: 0, high: 0 };
    halfSipHash(text, key, hash);
    return `${hash.high}-${hash.low}`;
  };

  it('depends on every character, on the length and on the key', () => {
    const key = { low: 0x0302_0100, high: 0x0706_0504 };
    const texts = [
      '',
      'a',
      'b',
      'ab',
      'ba',
      'a\0',
      '\0a',
      'ab\0',
      'é',
      'abc',
      'abcd',
      'abce',
      'x'.repeat(255),
      'x'.repeat(511),
    ];
    const hashes = texts.flatMap((text) => [
      hashOf(text, key),
      hashOf(text, { ...key, low: 1 }),
      hashOf(text, { ...key, high: 1 }),
    ]);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('spreads ids that differ in one digit over all 64 bits', () => {
    const key = { low: 1, high: 2 };
    const ones = new Uint32Array(64);
    const hash = { low: 0, high: 0 };
    const count = 4_096;
    for (let number = 0; number < count; number += 1) {
      halfSipHash(`request-${number}`, key, hash);
      for (let bit = 0; bit < 32; bit += 1) {
        ones[bit] = (ones[bit] ?? 0) + ((hash.low >>> bit) & 1);
        ones[32 + bit] = (ones[32 + bit] ?? 0) + ((hash.high >>> bit) & 1);
      }
    }
    // Within six standard deviations of a half.
    for (const set of ones) expect(Math.abs(set - count / 2)).toBeLessThan(6 * Math.sqrt(count / 4));
  });

  it('goes on elsewhere with all that it knew', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string(), { maxLength: 400 }),
        fc.nat(30),
        fc.integer({ min: 1, max: 50 }),
        async (ids, cut, chunkBytes) => {
          const all = [...ids, ...ids.slice(0, cut)];
          const first = new CustomIds();
          const before = all.slice(0, cut).map((id, place) => first.add(id, place + 1));
          const bytes = Buffer.concat([...first.pieces()]);
          const chunks = Readable.from(
            Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, at) =>
              bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
            ),
          );
          const second = await CustomIds.restore(chunks, first.suspects);
          const after = all.slice(cut).map((id, place) => second.add(id, cut + place + 1));
          expect([...before, ...after]).toEqual(expectedHits(all));
        },
      ),
    );
  });

  it('is not taken up from a part of what it wrote', async () => {
    const ids = new CustomIds();
    for (let line = 1; line < 50; line += 1) ids.add(`id-${line}`, line);
    const bytes = Buffer.concat([...ids.pieces()]);
    await expect(CustomIds.restore(Readable.from([bytes.subarray(0, -5)]), [])).rejects.toThrow('cut off');
    await expect(CustomIds.restore(Readable.from([bytes.subarray(0, 3)]), [])).rejects.toThrow('cut off');
  });
});
