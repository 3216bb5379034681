import { isUtf8 } from 'node:buffer';
import type { LineError } from '../records/openai-batch.ts';

/** A line of a JSONL file with the bytes it had there, without its line ending. */
export interface Line {
  /** Place in the file, counted from 1 as editors do; blank lines count. */
  lineNumber: number;
  readonly bytes: Buffer;
  /** Whether it is known already that the bytes are valid UTF-8. */
  isKnownUtf8?: boolean;
  /** For a line that stands in one chunk together with its newline: which chunk, and where it stands there. */
  chunk?: Buffer;
  start?: number;
  end?: number;
}

/** A line that was longer than allowed; its bytes were let go as they came. Or a row of a table of which no line could be made. */
export interface OverlongLine {
  lineNumber: number;
  bytes: null;
  byteLength: number;
  /** Why a row has no line; absent for a line that is too long. */
  refusal?: Omit<LineError, 'line'>;
}

export function isOverlong(line: Line | OverlongLine): line is OverlongLine {
  return 'byteLength' in line;
}

/** The line decoded, straight from its chunk where it stands in one. */
export function textOf(line: Line): string {
  return line.chunk ? line.chunk.toString('utf8', line.start, line.end) : line.bytes.toString();
}

/** Bytes of the line. */
export function lengthOf(line: Line | OverlongLine): number {
  if (isOverlong(line)) return line.byteLength;
  return line.start === undefined || line.end === undefined ? line.bytes.length : line.end - line.start;
}

/** A line of which a Buffer is made only for those who ask: most lines are decoded, and copied with their neighbours. */
class ChunkLine implements Line {
  readonly lineNumber: number;
  readonly isKnownUtf8: boolean;
  readonly chunk: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(lineNumber: number, isKnownUtf8: boolean, chunk: Buffer, start: number, end: number) {
    this.lineNumber = lineNumber;
    this.isKnownUtf8 = isKnownUtf8;
    this.chunk = chunk;
    this.start = start;
    this.end = end;
  }

  get bytes(): Buffer {
    return this.chunk.subarray(this.start, this.end);
  }
}

/** Longest accepted line: 16 MiB (a 64 MiB line peaks at 530 MB of memory while it is parsed). */
export const maxLineBytes = 16 * 1024 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
/** What is cut off a line at most: a byte order mark and a carriage return. */
const maxTrimmedBytes = 4;

/**
 * Splits a byte stream into lines: LF or CRLF, with or without a final newline, a leading byte order mark dropped,
 * blank lines skipped but counted.
 *
 * @returns the lines of each chunk together, because a promise per line costs more than parsing it.
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  limit = maxLineBytes,
): AsyncGenerator<(Line | OverlongLine)[]> {
  for await (const { lines } of splitLinesFrom(chunks, fileStart, limit)) if (lines.length > 0) yield lines;
}

/** Where a line begins. */
export interface LinePosition {
  byteOffset: number;
  lineNumber: number;
}

export const fileStart: LinePosition = { byteOffset: 0, lineNumber: 1 };

/** Whether one place comes after another. Rows of Parquet that lie together have one byte. */
export function isBehind(position: LinePosition, other: LinePosition): boolean {
  return position.byteOffset > other.byteOffset || position.lineNumber > other.lineNumber;
}

/**
 * As `splitLines`, but goes on where somebody else stopped.
 *
 * @param chunks the file's bytes from that position on.
 * @returns for each chunk the lines that it ends, and where the next one begins.
 */
export async function* splitLinesFrom(
  chunks: AsyncIterable<Uint8Array>,
  from: LinePosition,
  limit = maxLineBytes,
): AsyncGenerator<{ lines: (Line | OverlongLine)[]; next: LinePosition }> {
  const splitter = new LineSplitter(limit, from);
  for await (const chunk of chunks) {
    const lines = splitter.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    yield { lines, next: splitter.position };
  }
  const lines = splitter.finish();
  if (lines.length > 0) yield { lines, next: splitter.position };
}

/**
 * Cuts a stream of our own, in which every line ends with a newline, between lines.
 *
 * @returns pieces of whole lines: what a chunk completes, and then its own.
 */
export async function* wholeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let unfinished: Buffer[] = [];
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const end = bytes.lastIndexOf(newline) + 1;
    const start = end > 0 && unfinished.length > 0 ? bytes.indexOf(newline) + 1 : 0;
    if (start > 0) {
      yield Buffer.concat([...unfinished, bytes.subarray(0, start)]);
      unfinished = [];
    }
    if (end > start) yield bytes.subarray(start, end);
    if (end < bytes.length) unfinished.push(bytes.subarray(end));
  }
  if (unfinished.length > 0) throw new Error('The last line has no newline.');
}

/** The splitter itself: chunks in, finished lines out. Memory is one chunk and one unfinished line. */
class LineSplitter {
  readonly #limit: number;
  #lineNumber: number;
  #pushedUntil: number;
  #carried: Buffer[] = [];
  #carriedBytes = 0;

  constructor(limit: number, { byteOffset, lineNumber }: LinePosition) {
    this.#limit = limit;
    this.#lineNumber = lineNumber;
    this.#pushedUntil = byteOffset;
  }

  /** Where the first line begins that is not finished. */
  get position(): LinePosition {
    return { byteOffset: this.#pushedUntil - this.#carriedBytes, lineNumber: this.#lineNumber };
  }

  push(chunk: Buffer): (Line | OverlongLine)[] {
    this.#pushedUntil += chunk.length;
    const lines: (Line | OverlongLine)[] = [];
    const firstEnd = chunk.indexOf(newline);
    if (firstEnd >= 0) this.#endLine(chunk.subarray(0, firstEnd), lines);
    const rest = firstEnd >= 0 ? this.#takeWholeLines(chunk, firstEnd + 1, lines) : 0;
    if (rest < chunk.length) this.#carry(chunk.subarray(rest));
    return lines;
  }

  /**
   * Whether they are UTF-8 is asked once for all, which is nine times as fast as line by line: no character goes across
   * a newline.
   *
   * @returns where the unfinished line begins.
   */
  #takeWholeLines(chunk: Buffer, from: number, lines: (Line | OverlongLine)[]): number {
    const isKnownUtf8 = isUtf8(chunk.subarray(from, chunk.lastIndexOf(newline) + 1));
    let start = from;
    for (let end = chunk.indexOf(newline, start); end >= 0; end = chunk.indexOf(newline, start)) {
      if (this.#isPlain(chunk, start, end)) {
        lines.push(new ChunkLine(this.#lineNumber, isKnownUtf8, chunk, start, end));
        this.#lineNumber += 1;
      } else this.#endLine(chunk.subarray(start, end), lines);
      start = end + 1;
    }
    return start;
  }

  /** Whether nothing must be cut off or left out. */
  #isPlain(chunk: Buffer, start: number, end: number): boolean {
    const first = chunk[start];
    const mayBeBlank = first === 0x20 || first === 0x09 || first === carriageReturn;
    return end > start && end - start <= this.#limit && !mayBeBlank && chunk[end - 1] !== carriageReturn;
  }

  finish(): (Line | OverlongLine)[] {
    const lines: (Line | OverlongLine)[] = [];
    if (this.#carriedBytes > 0) this.#endLine(Buffer.alloc(0), lines);
    return lines;
  }

  #carry(piece: Buffer): void {
    this.#carriedBytes += piece.length;
    if (this.#carriedBytes <= this.#limit + maxTrimmedBytes) this.#carried.push(piece);
    else this.#carried = [];
  }

  #endLine(lastPiece: Buffer, lines: (Line | OverlongLine)[]): void {
    const byteLength = this.#carriedBytes + lastPiece.length;
    const lineNumber = this.#lineNumber;
    this.#lineNumber += 1;
    if (byteLength > this.#limit + maxTrimmedBytes) lines.push({ lineNumber, bytes: null, byteLength });
    else {
      const whole = this.#carriedBytes === 0 ? lastPiece : Buffer.concat([...this.#carried, lastPiece], byteLength);
      const bytes = trim(whole, lineNumber === 1);
      if (bytes.length > this.#limit) lines.push({ lineNumber, bytes: null, byteLength });
      else if (!isBlank(bytes)) lines.push({ lineNumber, bytes });
    }
    this.#carried = [];
    this.#carriedBytes = 0;
  }
}

function trim(line: Buffer, isFirst: boolean): Buffer {
  const start = isFirst && line.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
  const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
  return line.subarray(start, Math.max(start, end));
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== carriageReturn) return false;
  return true;
}
