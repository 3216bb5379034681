import type { S3Object } from '../records/batch.ts';
import type { PendingWrite } from './pending-writes.ts';
import { type Section, SectionHashes } from './section-hashes.ts';

/** S3's minimum size of a part that is not the last one. */
const minPartBytes = 5 * 1024 * 1024;
/** S3's minimum, because up to 16 objects are written at the same time and each holds a part in memory. */
const partBytes = minPartBytes;
/** S3 takes 10,000 parts: sizes double every 2,000, which reaches 310 GB with the last parts at 80 MiB. */
const partsOfOneSize = 2_000;
/** How many parts of one object are sent at the same time. */
const maxPartsUnderWay = 2;
/** How many parts of all objects together are sent at the same time. They take 20 MiB of memory. */
const maxPartsUnderWayInAll = 4;
/** How many parts S3 copies at the same time. They take no memory here. */
const maxCopiesUnderWay = 8;
/** The size of a writer's first buffer; most objects are small. */
const firstBufferBytes = 64 * 1024;
/** From this size on S3 copies an object itself: two parts of the minimum size, and one for the rest. */
const minCopiedBytes = 3 * minPartBytes;
/** S3 copies at most 5 GiB as one part; smaller ones are copied side by side. */
const maxCopiedPartBytes = 1024 * 1024 * 1024;

export interface WrittenObject extends S3Object {
  /** In hex, of the whole object; null if nobody asked for it or if the object has several sections. */
  sha256: string | null;
  /** The sections of the object, each with a SHA-256 of its own; empty if nobody asked for them. */
  sections: Section[];
}

/** An object whose bytes are appended to another. */
export interface AppendedObject {
  key: string;
  bytes: number;
  /** The sections of the object, with the SHA-256 that their writers computed. */
  sections: readonly Section[];
  /** Reads the object from its first byte. */
  read(): AsyncIterable<Uint8Array>;
}

/** Where a writer sends the parts of one object. The object is visible once `putWhole` or `complete` has returned. */
export interface Upload {
  /** @returns the object's ETag. */
  putWhole(bytes: Buffer): Promise<string>;
  /** @param partNumber from 1. Several parts may be sent at a time. The bytes must not change before this returns. */
  sendPart(partNumber: number, bytes: Buffer): Promise<void>;
  /** Copies a part from another object of the bucket: the bytes from `start` to before `end`. */
  copyPart(partNumber: number, key: string, start: number, end: number): Promise<void>;
  /** @returns the object's ETag. */
  complete(): Promise<string>;
  /** Gives up the parts that were sent. Never throws. */
  abort(): Promise<void>;
}

export interface WriterOptions {
  /** Asks for SHA-256 sums, which cost a third of what parsing the bytes as JSON does. */
  sha256?: boolean;
}

/** Writes one object of unknown size in flat memory: small ones by one PUT, larger ones in parts. */
export class ObjectWriter {
  readonly #upload: Upload;
  readonly #name: { bucket: string; key: string };
  readonly #hashes: SectionHashes | null;
  #buffer: Buffer = Buffer.allocUnsafe(firstBufferBytes);
  #filled = 0;
  /** How many bytes of the buffer are hashed, or need no hash. */
  #hashed = 0;
  #totalBytes = 0;
  #parts = 0;
  /** The size of the part that is being filled, in bytes. */
  #limit = partBytes;
  /** Whether the bytes that are being written have a hash already. */
  #isHashKnown = false;
  readonly #sendings: Promise<void>[] = [];
  readonly #copies: Promise<void>[] = [];

  constructor(upload: Upload, name: { bucket: string; key: string }, options: WriterOptions) {
    this.#upload = upload;
    this.#name = name;
    this.#hashes = options.sha256 ? new SectionHashes() : null;
  }

  get bytes(): number {
    return this.#totalBytes;
  }

  /**
   * Takes a copy of the bytes.
   *
   * @returns a promise to await before the next write, if there is one.
   */
  write(bytes: Buffer): PendingWrite {
    if (bytes.length > this.#limit - this.#filled) return this.#writeInParts(bytes);
    this.#put(bytes);
    return undefined;
  }

  /** Writes a line and its newline. */
  writeLine(line: Buffer): PendingWrite {
    const written = this.write(line);
    return written ? written.then(() => this.#writeNewline()) : this.#writeNewline();
  }

  /** One byte that is set costs less than one that is copied. */
  #writeNewline(): PendingWrite {
    if (this.#filled === this.#buffer.length || this.#filled === this.#limit) return this.write(newline);
    this.#buffer[this.#filled] = newlineByte;
    this.#filled += 1;
    this.#totalBytes += 1;
    return undefined;
  }

  /** Appends another object of the bucket. S3 copies it if its limits on parts allow that. */
  async append(source: AppendedObject): Promise<void> {
    const start = this.#filled === 0 ? 0 : Math.max(0, minPartBytes - this.#filled);
    if (source.bytes - start < minCopiedBytes) return this.#download(source, source.bytes);
    this.#hashFilled();
    for (const section of source.sections) this.#hashes?.add(section);
    this.#isHashKnown = true;
    await this.#download(source, start);
    if (this.#filled > 0) await this.#sendPart();
    this.#isHashKnown = false;
    await this.#copy(source, start);
  }

  async close(): Promise<WrittenObject> {
    this.#hashFilled();
    const etag = await (this.#parts === 0 ? this.#upload.putWhole(this.#takeFilled()) : this.#complete());
    keepForOthers(this.#buffer);
    const sections = this.#hashes?.finish() ?? [];
    const sha256 = sections.length === 1 ? (sections[0]?.sha256 ?? null) : null;
    return { ...this.#name, etag, bytes: this.#totalBytes, sha256, sections };
  }

  /** Gives up what was sent. Never throws: the bucket's lifecycle removes what is left behind. */
  async abort(): Promise<void> {
    await Promise.allSettled([...this.#sendings, ...this.#copies]);
    await this.#upload.abort();
  }

  async #writeInParts(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + this.#limit - this.#filled);
      this.#put(bytes.subarray(at, end));
      at = end;
      if (this.#filled === this.#limit) await this.#sendPart();
    }
  }

  #put(bytes: Buffer): void {
    if (this.#filled + bytes.length > this.#buffer.length) this.#grow(this.#filled + bytes.length);
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
    this.#totalBytes += bytes.length;
  }

  #grow(needed: number): void {
    const size = Math.min(this.#limit, Math.max(needed, this.#buffer.length * 8));
    const larger = (size === partBytes ? spareBuffers.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }

  async #download(source: AppendedObject, end: number): Promise<void> {
    if (end === 0) return;
    let at = 0;
    for await (const chunk of source.read()) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, end - at));
      await this.write(bytes);
      at += bytes.length;
      if (at === end) return;
    }
    throw new Error(`${source.key} ends after ${at} of ${end} bytes.`);
  }

  async #copy(source: AppendedObject, start: number): Promise<void> {
    const count = Math.ceil((source.bytes - start) / maxCopiedPartBytes);
    const size = Math.ceil((source.bytes - start) / count);
    for (let from = start; from < source.bytes; from += size) {
      this.#beginPart();
      const end = Math.min(source.bytes, from + size);
      await track(this.#upload.copyPart(this.#parts, source.key, from, end), this.#copies, maxCopiesUnderWay);
      this.#totalBytes += end - from;
    }
  }

  #beginPart(): void {
    this.#parts += 1;
    this.#limit = partBytes * 2 ** Math.floor(this.#parts / partsOfOneSize);
  }

  async #sendPart(): Promise<void> {
    this.#beginPart();
    const buffer = this.#buffer;
    const sending = this.#upload.sendPart(this.#parts, this.#takeFilled()).then(() => keepForOthers(buffer));
    const settled = sending.catch(() => undefined).finally(() => partsUnderWay.delete(settled));
    partsUnderWay.add(settled);
    await track(sending, this.#sendings, maxPartsUnderWay);
    while (partsUnderWay.size >= maxPartsUnderWayInAll) await Promise.race(partsUnderWay);
    this.#buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(this.#limit);
  }

  #takeFilled(): Buffer {
    this.#hashFilled();
    const filled = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    this.#hashed = 0;
    return filled;
  }

  #hashFilled(): void {
    if (!this.#isHashKnown) this.#hashes?.update(this.#buffer.subarray(this.#hashed, this.#filled));
    this.#hashed = this.#filled;
  }

  async #complete(): Promise<string> {
    if (this.#filled > 0) await this.#sendPart();
    await Promise.all([...this.#sendings, ...this.#copies]);
    return this.#upload.complete();
  }
}

/** The parts that all writers together are sending. */
const partsUnderWay = new Set<Promise<void>>();

/** Buffers of one part that any writer may use again: a new one for each part would keep the garbage collector busy. */
const spareBuffers: Buffer[] = [];
const maxSpareBuffers = 4;

function keepForOthers(buffer: Buffer): void {
  if (buffer.length === partBytes && spareBuffers.length < maxSpareBuffers) spareBuffers.push(buffer);
}

/** Adds a promise to those under way, and waits for the oldest if there are too many. */
async function track(work: Promise<void>, underWay: Promise<void>[], limit: number): Promise<void> {
  work.catch(() => undefined); // awaited later, here or in close(); this only keeps it from counting as unhandled
  underWay.push(work);
  if (underWay.length >= limit) await underWay.shift();
}

const newline = Buffer.from('\n');
const newlineByte = 0x0a;
