import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import type { PendingWrite } from '../../store/pending-writes.ts';

/** Reads an object forward and writes or skips so many bytes at a time. Opened when the first is due. */
export class ByteReader {
  readonly #objects: Objects;
  readonly #key: string | null;
  /** Where it is opened: what is skipped before is not fetched. */
  #start: number;
  #chunks: AsyncGenerator<Uint8Array> | undefined;
  #rest: Buffer = Buffer.alloc(0);

  /** @param start the first byte that is read. */
  constructor(objects: Objects, key: string | null, start = 0) {
    this.#objects = objects;
    this.#key = key;
    this.#start = start;
  }

  /**
   * Copies the next bytes to a writer.
   *
   * @returns what is to be awaited before the next call.
   */
  copy(length: number, writer: ObjectWriter): PendingWrite {
    if (length > this.#rest.length) return this.#passChunks(length, writer);
    return writer.write(this.#take(length));
  }

  /** @returns the next bytes. */
  async read(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) this.#rest = await this.#nextChunk();
      const taken = this.#take(Math.min(missing, this.#rest.length));
      missing -= taken.length;
      pieces.push(taken);
    }
    const [only = Buffer.alloc(0)] = pieces;
    return pieces.length === 1 ? only : Buffer.concat(pieces);
  }

  skip(length: number): PendingWrite {
    if (!this.#chunks) this.#start += length;
    else if (length > this.#rest.length) return this.#passChunks(length, null);
    else this.#take(length);
    return undefined;
  }

  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
  }

  async #passChunks(length: number, writer: ObjectWriter | null): Promise<void> {
    let missing = length;
    while (missing > 0) {
      if (this.#rest.length === 0) this.#rest = await this.#nextChunk();
      const taken = this.#take(Math.min(missing, this.#rest.length));
      missing -= taken.length;
      await writer?.write(taken);
    }
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  async #nextChunk(): Promise<Buffer> {
    if (this.#key === null) throw new Error('The index of a shard names results that it does not have.');
    this.#chunks ??= this.#objects.stream({ bucket: this.#objects.bucket, key: this.#key }, this.#start);
    const { value, done } = await this.#chunks.next();
    if (done) throw new Error(`${this.#key} is shorter than its index says.`);
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}
