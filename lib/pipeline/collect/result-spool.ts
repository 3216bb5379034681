import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PendingWrite } from '../../store/pending-writes.ts';

/** Stretches of the shard that are kept apart, each with its buffer: 16 MiB together. */
const maxStretches = 128;
const minLinesPerStretch = 64;
const bufferBytes = 128 * 1024;
/** A stretch up to this size is read as a whole; 128 of them make 8 GiB. Of a larger one, each line is read by itself. */
const maxLoadedBytes = 64 * 1024 * 1024;
/** Writes under way at a time. */
const maxWritesUnderWay = 4;

/**
 * Result lines of a shard as they come from the provider, in no order, kept in a temporary file and given back in order.
 *
 * The lines of 1/128 of the shard lie together, so that each part is read at one go and nothing is looked up line by line:
 * 50,000 single reads take longer than parsing the lines. Memory holds the buffers, one part and 12 bytes a line; the buffers stay
 * for the next spool.
 */
export class ResultSpool {
  readonly #file: FileHandle;
  readonly #linesPerStretch: number;
  readonly #stretches: Stretch[];
  /** Where each line begins among the bytes of its stretch. */
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #writes: Promise<void>[] = [];
  #fileBytes = 0;
  #isSettled = false;
  /** The stretch whose bytes are at hand. */
  #loaded: Stretch | undefined;
  #loadBuffer: Buffer = Buffer.alloc(0);

  private constructor(file: FileHandle, lines: number) {
    this.#file = file;
    this.#linesPerStretch = Math.max(minLinesPerStretch, Math.ceil(lines / maxStretches));
    this.#stretches = Array.from({ length: Math.ceil(lines / this.#linesPerStretch) }, () => new Stretch());
    this.#starts = new Float64Array(lines);
    this.#lengths = new Uint32Array(lines);
  }

  static async open(lines: number): Promise<ResultSpool> {
    const path = join(tmpdir(), `batchdrop-results-${randomUUID()}`);
    const file = await open(path, 'wx+', 0o600);
    // Without a name from the beginning: customers' answers do not outlive a process that is killed.
    await rm(path, { force: true });
    return new ResultSpool(file, lines);
  }

  /** @returns what is to be awaited before the next one. */
  put(position: number, bytes: Buffer): PendingWrite {
    const stretch = this.#stretchOf(position);
    this.#starts[position] = stretch.bytes;
    this.#lengths[position] = bytes.length;
    if (stretch.filled + bytes.length > bufferBytes) return this.#putAfterFlush(stretch, bytes);
    this.#append(stretch, bytes);
    return undefined;
  }

  /** @returns a line that was put; good until the next call. Made for ascending positions. */
  get(position: number): Buffer | Promise<Buffer> {
    const stretch = this.#stretchOf(position);
    const start = this.#starts[position] ?? 0;
    const end = start + (this.#lengths[position] ?? 0);
    if (this.#loaded === stretch) return this.#loadBuffer.subarray(start, end);
    return this.#fetch(stretch, start, end);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    for (const stretch of this.#stretches) if (stretch.buffer) keepForOthers(stretch.buffer);
    // Two spools must never fill the same buffer, also if this one is closed twice.
    for (const stretch of this.#stretches) stretch.buffer = null;
    await this.#file.close();
  }

  #stretchOf(position: number): Stretch {
    const stretch = this.#stretches[Math.floor(position / this.#linesPerStretch)];
    if (!stretch) throw new RangeError(`There is no line ${position} in this shard.`);
    return stretch;
  }

  #append(stretch: Stretch, bytes: Buffer): void {
    stretch.buffer ??= spareBuffers.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
    stretch.buffer.set(bytes, stretch.filled);
    stretch.filled += bytes.length;
    stretch.bytes += bytes.length;
  }

  async #putAfterFlush(stretch: Stretch, bytes: Buffer): Promise<void> {
    await this.#flush(stretch);
    if (bytes.length <= bufferBytes) {
      this.#append(stretch, bytes);
      return;
    }
    stretch.extents.push({ start: stretch.bytes, bytes: bytes.length, offset: this.#fileBytes });
    stretch.bytes += bytes.length;
    await this.#write(bytes);
  }

  async #flush(stretch: Stretch): Promise<void> {
    const { buffer, filled } = stretch;
    if (!buffer) return;
    stretch.extents.push({ start: stretch.bytes - filled, bytes: filled, offset: this.#fileBytes });
    stretch.buffer = null;
    stretch.filled = 0;
    const writing = this.#write(buffer.subarray(0, filled)).then(() => keepForOthers(buffer));
    writing.catch(() => undefined); // awaited below and before the first read
    this.#writes.push(writing);
    if (this.#writes.length >= maxWritesUnderWay) await this.#writes.shift();
  }

  async #write(bytes: Buffer): Promise<void> {
    const offset = this.#fileBytes;
    this.#fileBytes += bytes.length;
    for (let written = 0; written < bytes.length; )
      written += (await this.#file.write(bytes, written, bytes.length - written, offset + written)).bytesWritten;
  }

  async #fetch(stretch: Stretch, start: number, end: number): Promise<Buffer> {
    if (!this.#isSettled) await this.#settle();
    if (stretch.bytes > maxLoadedBytes) return this.#readLine(stretch, start, end);
    this.#loaded = undefined;
    if (this.#loadBuffer.length < stretch.bytes) this.#loadBuffer = Buffer.allocUnsafeSlow(stretch.bytes);
    for (const extent of stretch.extents)
      await this.#read(this.#loadBuffer.subarray(extent.start, extent.start + extent.bytes), extent.offset);
    this.#loaded = stretch;
    return this.#loadBuffer.subarray(start, end);
  }

  async #settle(): Promise<void> {
    for (const stretch of this.#stretches) await this.#flush(stretch);
    await Promise.all(this.#writes);
    this.#isSettled = true;
  }

  /** A line lies in one extent as a whole. */
  async #readLine(stretch: Stretch, start: number, end: number): Promise<Buffer> {
    const extent = stretch.extents.findLast((candidate) => candidate.start <= start);
    const bytes = Buffer.allocUnsafeSlow(end - start);
    await this.#read(bytes, (extent?.offset ?? 0) + start - (extent?.start ?? 0));
    return bytes;
  }

  async #read(into: Buffer, offset: number): Promise<void> {
    for (let filled = 0; filled < into.length; ) {
      const { bytesRead } = await this.#file.read(into, filled, into.length - filled, offset + filled);
      if (bytesRead === 0) throw new Error('The spool file is shorter than what was written to it.');
      filled += bytesRead;
    }
  }
}

/** Buffers for whichever spool needs one next: those of a spool that was closed would stay in memory until V8 looks for them. */
const spareBuffers: Buffer[] = [];

function keepForOthers(buffer: Buffer): void {
  if (spareBuffers.length < maxStretches) spareBuffers.push(buffer);
}

/** Bytes of a stretch that lie together in the file, and where. */
interface Extent {
  start: number;
  bytes: number;
  offset: number;
}

class Stretch {
  readonly extents: Extent[] = [];
  /** Size of all its lines so far. */
  bytes = 0;
  buffer: Buffer | null = null;
  filled = 0;
}
