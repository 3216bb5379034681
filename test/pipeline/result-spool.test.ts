import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResultSpool } from '../../lib/pipeline/collect/result-spool.ts';
import { runs } from '../seed.ts';

describe('ResultSpool', () => {
  // The first, since the others fill the store of buffers.
  it('never shares memory with another spool, also behind one that was given up and closed twice', async () => {
    const given = await ResultSpool.open(200);
    for (let position = 0; position < 200; position += 1) await given.put(position, Buffer.from('given up'));
    await given.close();
    await given.close();

    const spools = [await ResultSpool.open(200), await ResultSpool.open(200)];
    for (let position = 0; position < 200; position += 1)
      for (const [place, spool] of spools.entries()) await spool.put(position, Buffer.from(`${place}: ${position}`));

    for (let position = 0; position < 200; position += 1)
      for (const [place, spool] of spools.entries())
        expect((await spool.get(position)).toString()).toBe(`${place}: ${position}`);
    await Promise.all(spools.map((spool) => spool.close()));
  });

  it('gives every line back, whatever the order in which they came', async () => {
    const size = fc.oneof(
      { weight: 20, arbitrary: fc.nat(3_000) },
      { weight: 1, arbitrary: fc.integer({ min: 120_000, max: 300_000 }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(size, { minLength: 1, maxLength: 300 }),
        fc.infiniteStream(fc.nat()),
        async (sizes, weights) => {
          const lines = sizes.map((bytes, position) => Buffer.alloc(bytes, position % 251));
          const order = [...lines.keys()].map((position) => ({ position, weight: weights.next().value ?? 0 }));
          const spool = await ResultSpool.open(lines.length);
          for (const { position } of order.toSorted((left, right) => left.weight - right.weight))
            await spool.put(position, lines[position] ?? Buffer.alloc(0));
          for (const [position, line] of lines.entries()) expect((await spool.get(position)).equals(line)).toBe(true);
          await spool.close();
        },
      ),
      { numRuns: runs(40) },
    );
  });

  it('has no name in the temporary folder, so that nothing is left of it after a kill', async () => {
    const named = () => readdirSync(tmpdir()).filter((name) => name.startsWith('batchdrop-results-'));
    const before = named();
    const spool = await ResultSpool.open(10);
    await spool.put(3, Buffer.from('an answer'));
    expect(named().filter((name) => !before.includes(name))).toEqual([]);
    expect((await spool.get(3)).toString()).toBe('an answer');
    await spool.close();
  });

  it('gives lines back from another stretch and again', async () => {
    const spool = await ResultSpool.open(20_000);
    for (let position = 19_999; position >= 0; position -= 1)
      await spool.put(position, Buffer.from(`line ${position}`));
    for (const position of [0, 19_999, 5, 5, 12_345])
      expect((await spool.get(position)).toString()).toBe(`line ${position}`);
    await spool.close();
  });
});
