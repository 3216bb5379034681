import { closeSync, createReadStream, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { truncate } from 'node:fs/promises';

const lineFeed = 0x0a;
/** Written in pieces of about 1 MiB when the log is replaced, so that a long one is never one string. */
const replacementPieceCharacters = 1024 * 1024;

/**
 * An append-only file of lines, each of which is either whole or not there.
 *
 * Appending is synchronous on purpose: check, write and the change in memory then happen in one turn of the event loop,
 * so commits are atomic and in order without a lock. The write reaches the page cache (tens of microseconds): it
 * survives a killed process, not a power failure.
 */
export class CommitLog {
  readonly #file: string;
  #descriptor: number;
  #bytes: number;

  private constructor(file: string, bytes: number) {
    this.#file = file;
    this.#descriptor = openSync(file, 'a', 0o600);
    this.#bytes = bytes;
  }

  /** Opens or creates the log and replays its lines; a torn last line was never answered for and is cut off. */
  static async open(file: string, replay: (line: string) => void): Promise<CommitLog> {
    closeSync(openSync(file, 'a', 0o600));
    const wholeBytes = await readLines(file, replay);
    await truncate(file, wholeBytes);
    return new CommitLog(file, wholeBytes);
  }

  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    try {
      writeFully(this.#descriptor, bytes);
    } catch (error) {
      // A full disk may have taken half of the line, which would spoil the next one.
      ftruncateSync(this.#descriptor, this.#bytes);
      throw error;
    }
    this.#bytes += bytes.length;
  }

  /** Puts other lines in the place of all, in one step. */
  replaceAll(lines: Iterable<string>): void {
    const next = `${this.#file}.next`;
    const descriptor = openSync(next, 'w', 0o600);
    this.#bytes = writeLines(descriptor, lines);
    renameSync(next, this.#file);
    closeSync(this.#descriptor);
    closeSync(descriptor);
    this.#descriptor = openSync(this.#file, 'a', 0o600);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** @returns the number of bytes up to the end of the last whole line. */
async function readLines(file: string, onLine: (line: string) => void): Promise<number> {
  let wholeBytes = 0;
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(file)) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
      onLine(line.toString('utf8'));
      wholeBytes += line.length + 1;
      rest = [];
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
  }
  return wholeBytes;
}

function writeLines(descriptor: number, lines: Iterable<string>): number {
  let bytesWritten = 0;
  let piece = '';
  const flush = () => {
    bytesWritten += writeFully(descriptor, Buffer.from(piece));
    piece = '';
  };
  for (const line of lines) {
    piece += `${line}\n`;
    if (piece.length > replacementPieceCharacters) {
      flush();
    }
  }
  flush();
  return bytesWritten;
}

function writeFully(descriptor: number, bytes: Buffer): number {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written);
  }
  return bytes.length;
}
