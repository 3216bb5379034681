import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes kept before they go to the file: fewer, larger writes. */
const flushBytes = 1024 * 1024;
/** How far on the next line may lie for results to count as lying in order. */
const nearBytes = 4 * 1024;
/** Bytes read from the file at a time where they do. */
const readAheadBytes = 1024 * 1024;

/**
 * Result lines of a shard as they come from the provider, in no order, kept in a temporary file and given back by
 * place. Memory holds two numbers a line.
 */
export class ResultSpool {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #offsets: Float64Array;
  readonly #lengths: Uint32Array;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #fileBytes = 0;
  #window = { start: 0, bytes: Buffer.alloc(0) };

  private constructor(file: FileHandle, path: string, lines: number) {
    this.#file = file;
    this.#path = path;
    this.#offsets = new Float64Array(lines);
    this.#lengths = new Uint32Array(lines);
  }

  static async open(lines: number): Promise<ResultSpool> {
    const path = join(tmpdir(), `batchdrop-results-${randomUUID()}`);
    return new ResultSpool(await open(path, 'wx+', 0o600), path, lines);
  }

  has(position: number): boolean {
    return (this.#lengths[position] ?? 0) > 0;
  }

  async put(position: number, bytes: Buffer): Promise<void> {
    this.#offsets[position] = this.#fileBytes + this.#pendingBytes;
    this.#lengths[position] = bytes.length;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= flushBytes) await this.#flush();
  }

  /** Good only after `has`. */
  async get(position: number): Promise<Buffer> {
    if (this.#pendingBytes > 0) await this.#flush();
    const offset = this.#offsets[position] ?? 0;
    const length = this.#lengths[position] ?? 0;
    const { start, bytes } = this.#window;
    if (offset < start || offset + length > start + bytes.length) await this.#readAhead(offset, length);
    const from = offset - this.#window.start;
    return this.#window.bytes.subarray(from, from + length);
  }

  async close(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    await this.#file.write(bytes, 0, bytes.length, this.#fileBytes);
    this.#fileBytes += bytes.length;
  }

  /** A line alone where it lies far from the last one; a whole stretch where results come in order. */
  async #readAhead(offset: number, length: number): Promise<void> {
    const gap = offset - (this.#window.start + this.#window.bytes.length);
    const isNear = gap >= 0 && gap <= nearBytes;
    const wanted = isNear ? Math.max(length, readAheadBytes) : length;
    const bytes = Buffer.allocUnsafe(Math.min(wanted, this.#fileBytes - offset));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.#file.read(bytes, filled, bytes.length - filled, offset + filled);
      if (bytesRead === 0) throw new Error('The spool file is shorter than what was written to it.');
      filled += bytesRead;
    }
    this.#window = { start: offset, bytes };
  }
}
