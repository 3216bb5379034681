import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const newline = 0x0a;
const chunkBytes = 1024 * 1024;
const linesReadAtOnce = 16;

export interface StoredLine {
  /** 1-based, blank lines counted. */
  number: number;
  /** Where its first byte is in the file. */
  offset: number;
  /** Without the newline. */
  bytes: Buffer;
}

/** Streams a JSONL file's non-blank lines; memory holds one chunk and one line. */
export async function* readLines(path: string, signal?: AbortSignal): AsyncGenerator<StoredLine> {
  let pending: Buffer[] = [];
  let number = 0;
  let offset = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, ...(signal && { signal }) })) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a stream without encoding yields buffers');
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const bytes = Buffer.concat([...pending, chunk.subarray(start, end)]);
      pending = [];
      start = end + 1;
      number += 1;
      if (!isBlank(bytes)) yield { number, offset, bytes };
      offset += bytes.length + 1;
    }
    pending.push(chunk.subarray(start));
  }
  const bytes = Buffer.concat(pending);
  if (!isBlank(bytes)) yield { number: number + 1, offset, bytes };
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}

/** Reads the lines of a JSONL file in any order. */
export class LineIndex {
  readonly #file: FileHandle;
  readonly #offsets: number[];
  readonly #lengths: number[];

  private constructor(file: FileHandle, offsets: number[], lengths: number[]) {
    this.#file = file;
    this.#offsets = offsets;
    this.#lengths = lengths;
  }

  static async open(path: string, signal: AbortSignal): Promise<LineIndex> {
    const offsets: number[] = [];
    const lengths: number[] = [];
    for await (const line of readLines(path, signal)) {
      offsets.push(line.offset);
      lengths.push(line.bytes.length);
    }
    return new LineIndex(await open(path), offsets, lengths);
  }

  /** Yields the lines of these indexes (0-based, blank lines not counted), in this order. */
  async *inOrder(indexes: Uint32Array): AsyncGenerator<{ position: number; index: number; text: string }> {
    for (let start = 0; start < indexes.length; start += linesReadAtOnce) {
      const some = [...indexes.subarray(start, start + linesReadAtOnce)];
      const texts = await Promise.all(some.map((index) => this.#read(index)));
      for (const [offset, index] of some.entries())
        yield { position: start + offset, index, text: texts[offset] ?? '' };
    }
  }

  async #read(index: number): Promise<string> {
    const length = this.#lengths[index];
    const offset = this.#offsets[index];
    if (length === undefined || offset === undefined) throw new RangeError(`no line ${index}`);
    const bytes = Buffer.allocUnsafe(length);
    await this.#file.read(bytes, 0, length, offset);
    return bytes.toString('utf8');
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Writes lines to a new file through a buffer of a chunk's size. */
export class LineWriter {
  readonly #file: FileHandle;
  #buffered: string[] = [];
  #bufferedChars = 0;
  #bytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<LineWriter> {
    return new LineWriter(await open(path, 'w'));
  }

  async write(line: string): Promise<void> {
    this.#buffered.push(line, '\n');
    this.#bufferedChars += line.length + 1;
    if (this.#bufferedChars >= chunkBytes) await this.#flush();
  }

  /** @returns the file's size in bytes. */
  async close(): Promise<number> {
    await this.#flush();
    await this.#file.close();
    return this.#bytes;
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#buffered.join(''));
    this.#buffered = [];
    this.#bufferedChars = 0;
    this.#bytes += bytes.length;
    if (bytes.length > 0) await this.#file.writeFile(bytes);
  }
}
