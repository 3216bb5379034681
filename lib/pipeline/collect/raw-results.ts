import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';

/** The provider's result files as they come, written down beside their reading and kept only where answers are lost. */
export class RawResults {
  readonly #objects: Objects;
  readonly #keyOf: (file: number) => string;
  readonly #writers: { key: string; writer: ObjectWriter }[] = [];

  constructor(objects: Objects, keyOf: (file: number) => string) {
    this.#objects = objects;
    this.#keyOf = keyOf;
  }

  /** Passes the bytes of one file on. */
  async *record(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const key = this.#keyOf(this.#writers.length);
    const writer = this.#objects.writer(key, { contentType: 'application/octet-stream' });
    this.#writers.push({ key, writer });
    for await (const chunk of chunks) {
      await writer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      yield chunk;
    }
  }

  /** @returns the keys of what was written. */
  async keep(): Promise<string[]> {
    const written = this.#writers.splice(0).filter(({ writer }) => writer.bytes > 0);
    await Promise.all(written.map(({ writer }) => writer.close()));
    return written.map(({ key }) => key);
  }

  async discard(): Promise<void> {
    await Promise.all(this.#writers.splice(0).map(({ writer }) => writer.abort()));
  }
}
