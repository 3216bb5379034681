import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fileStart,
  type Line,
  maxLineBytes,
  type OverlongLine,
  splitLines,
  splitLinesFrom,
} from '../../lib/lines/jsonl.ts';

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function linesOf(
  bytes: Buffer,
  sizes: readonly number[] = [7],
  limit?: number,
): Promise<(Line | OverlongLine)[]> {
  const lines: (Line | OverlongLine)[] = [];
  for await (const some of splitLines(chunked(bytes, sizes), limit)) lines.push(...some);
  return lines;
}

function textsOf(lines: readonly (Line | OverlongLine)[]): (string | null)[] {
  return lines.map((line) => line.bytes?.toString('utf8') ?? null);
}

/** The rules of `splitLines`, for a text in memory. */
function plainlySplit(whole: string, limit: number): [number, string | null][] {
  const lines = whole.replace(/^\ufeff/, '').split('\n');
  return lines.flatMap((line, index): [number, string | null][] => {
    const text = line.replace(/\r$/, '');
    if (Buffer.byteLength(text) > limit) return [[index + 1, null]];
    return /^[ \t\r]*$/.test(text) ? [] : [[index + 1, text]];
  });
}

describe('splitLines', () => {
  it('gives the same lines however the bytes are cut into chunks', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', 'ä', '😀', ' ', '\t', '\r', '\n', '\ufeff') }),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
    const limit = fc.oneof(fc.nat(8), fc.constant(maxLineBytes));
    await fc.assert(
      fc.asyncProperty(text, sizes, limit, async (whole, chunkSizes, maxBytes) => {
        const bytes = Buffer.from(whole);
        const lines = await linesOf(bytes, chunkSizes, maxBytes);
        expect(lines.map((line) => [line.lineNumber, line.bytes?.toString() ?? null])).toEqual(
          plainlySplit(bytes.toString(), maxBytes),
        );
      }),
      {
        examples: [
          ['a\n\r \n', [50], maxLineBytes],
          ['\ufeffab\r\n', [50], 2],
        ],
      },
    );
  });

  it.each([
    ['no final newline', 'a\nb', ['a', 'b'], [1, 2]],
    ['a final newline', 'a\nb\n', ['a', 'b'], [1, 2]],
    ['CRLF', 'a\r\nb\r\n', ['a', 'b'], [1, 2]],
    ['a byte order mark', '\uFEFFa\nb', ['a', 'b'], [1, 2]],
    ['blank lines, which are counted', '\n\na\n  \t\n\nb\n\n', ['a', 'b'], [3, 6]],
    ['nothing', '', [], []],
    ['only newlines', '\n\n\r\n', [], []],
  ])('takes %s', async (_name, text, expected, numbers) => {
    const lines = await linesOf(Buffer.from(text), [2]);
    expect(textsOf(lines)).toEqual(expected);
    expect(lines.map((line) => line.lineNumber)).toEqual(numbers);
  });

  it('reports a line over the limit with its number and goes on after it', async () => {
    const lines = await linesOf(Buffer.from(`short\n${'x'.repeat(100)}\nnext\n${'y'.repeat(50)}`), [13], 50);
    expect(textsOf(lines)).toEqual(['short', null, 'next', 'y'.repeat(50)]);
    expect(lines[1]).toEqual({ lineNumber: 2, bytes: null, byteLength: 100 });
  });

  it('keeps bytes that are not UTF-8 as they are', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x0a, 0xc3]);
    const lines = await linesOf(bytes, [1]);
    expect(lines.map((line) => line.bytes)).toEqual([Buffer.from([0xff, 0xfe]), Buffer.from([0xc3])]);
  });
});

describe('splitLinesFrom', () => {
  it('goes on after any chunk with the lines that are left', async () => {
    const piece = fc.constantFrom('a', 'bb', '\n', '\r\n', '\n\n', ' ', '\uFEFF', 'ü');
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 9 }), fc.nat(20), async (pieces, size, stopAfter) => {
        const bytes = Buffer.from(pieces.join(''));
        const lines: (Line | OverlongLine)[] = [];
        let chunks = 0;
        let position = fileStart;
        for await (const { lines: some, next } of splitLinesFrom(chunked(bytes, [size]), fileStart, 5)) {
          lines.push(...some);
          position = next;
          chunks += 1;
          if (chunks > stopAfter) break;
        }
        const rest = chunked(bytes.subarray(position.byteOffset), [size]);
        for await (const { lines: some } of splitLinesFrom(rest, position, 5)) lines.push(...some);
        const whole = await linesOf(bytes, [size], 5);
        expect(textsOf(lines)).toEqual(textsOf(whole));
        expect(lines.map(({ lineNumber }) => lineNumber)).toEqual(whole.map(({ lineNumber }) => lineNumber));
      }),
    );
  });
});
