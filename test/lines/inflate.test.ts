import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inflated } from '../../lib/lines/inflate.ts';
import { InvalidInputError } from '../../lib/records/errors.ts';
import type { Compression } from '../../lib/records/table-kind.ts';
import { runs } from '../seed.ts';

const compress: Record<Compression, (bytes: Buffer) => Buffer> = { gzip: gzipSync, zstd: zstdCompressSync };

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function whole(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe.each(['gzip', 'zstd'] as const)('an input compressed by %s', (form) => {
  it('is what went in, however its bytes come and in however many members', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        async (members, size) => {
          const bytes = Buffer.concat(members.map((text) => compress[form](Buffer.from(text))));
          // The form is told by the first chunk, as all stores and files give it.
          expect((await whole(inflated(inChunks(bytes, size + 4), form))).toString()).toBe(members.join(''));
        },
      ),
      { numRuns: runs(30) },
    );
  });

  it('is refused where it was cut or changed', async () => {
    const bytes = compress[form](Buffer.from('some text '.repeat(1_000)));
    const changed = Buffer.from(bytes);
    changed.fill(0x55, bytes.length / 2, bytes.length / 2 + 8);
    for (const wrong of [
      bytes.subarray(0, -3),
      changed,
      Buffer.concat([bytes, Buffer.from('rest')]),
      Buffer.from('plain text'),
    ])
      await expect(whole(inflated(inChunks(wrong, 1_000), form))).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_compression' }),
      );
  });

  it('is refused where it inflates to far more than it is, at once', async () => {
    const bytes = compress[form](Buffer.alloc(200 * 1024 * 1024));
    let seen = 0;
    const read = async () => {
      for await (const chunk of inflated(inChunks(bytes, 64 * 1024), form)) seen += chunk.length;
    };
    await expect(read()).rejects.toThrow('it inflates to more than 200 times its bytes');
    expect(seen).toBeLessThan(80 * 1024 * 1024);
  });

  it('whose bytes cannot be read says so, and not that it is damaged', async () => {
    const broken = async function* () {
      yield compress[form](Buffer.from('text')).subarray(0, 10);
      throw new Error('the line went dead');
    };
    const error = await whole(inflated(broken(), form)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: 'the line went dead' });
    expect(error).not.toBeInstanceOf(InvalidInputError);
  });
});
