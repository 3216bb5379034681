import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { InvalidInputError, messageOf } from '../records/errors.ts';
import type { Compression } from '../records/table-kind.ts';
import { signedForm } from './file-signature.ts';

/** So many times its compressed bytes an input may have; what is short may have more. JSON lines that are all alike come to 100. */
const maxRatio = 200;
const ratioFromBytes = 64 * 1024 * 1024;
/** As far as one run of a step inflates at 200 MB/s within minutes. */
const maxInflatedBytes = 50 * 1024 * 1024 * 1024;

const chunkBytes = 1024 * 1024;

/**
 * Inflates an input, chunk by chunk.
 *
 * @throws InvalidInputError `invalid_compression` for bytes that are none of that form, are cut, or inflate to more than an input may have.
 */
export async function* inflated(chunks: AsyncIterable<Uint8Array>, form: Compression): AsyncGenerator<Buffer> {
  const input = new CompressedBytes(chunks, form);
  let written = 0;
  try {
    // Each of its frames or members is a stream of its own; Node ends a stream of zstd behind the first.
    while (!(await input.isOver()))
      for await (const chunk of inflatedOnce(input, form)) {
        written += chunk.length;
        assertBounded(written, input.bytes);
        yield chunk;
      }
  } finally {
    await input.close();
  }
}

async function* inflatedOnce(input: CompressedBytes, form: Compression): AsyncGenerator<Buffer> {
  const options = { chunkSize: chunkBytes };
  const inflater = form === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
  const source = Readable.from(input.read(() => inflater.bytesWritten));
  source.on('error', (error) => inflater.destroy(error));
  source.pipe(inflater);
  try {
    for await (const chunk of inflater) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (error) {
    if (input.failure !== null) throw input.failure;
    throw invalid(
      `it cannot be inflated as ${form} (${messageOf(error)}). Compress it again, or upload it again.`,
      error,
    );
  } finally {
    source.destroy();
    inflater.destroy();
  }
  input.giveBack(inflater.bytesWritten);
}

/** Compressed bytes of which one stream may leave some to the next. */
class CompressedBytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #form: Compression;
  /** Given to the stream, as far as it may not have taken them; `#base` is where they begin among all that it was given. */
  #given: Uint8Array[] = [];
  #base = 0;
  #left: Uint8Array[] = [];
  /** How many were read so far. */
  bytes = 0;
  /** Why the bytes themselves could not be read. */
  failure: unknown = null;

  constructor(chunks: AsyncIterable<Uint8Array>, form: Compression) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#form = form;
  }

  async isOver(): Promise<boolean> {
    const next = await this.#next();
    if (next) this.#left.unshift(next);
    return next === null;
  }

  /** @param taken how many bytes the stream has taken. */
  async *read(taken: () => number): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(); chunk; chunk = await this.#next()) {
      this.#given.push(chunk);
      this.#forget(taken());
      yield chunk;
    }
  }

  /** What the stream was given and has not taken is for the next one. */
  giveBack(taken: number): void {
    this.#forget(taken);
    const [first, ...others] = this.#given;
    const rest = first?.subarray(taken - this.#base);
    this.#left = [...(rest && rest.length > 0 ? [rest] : []), ...others, ...this.#left];
    this.#given = [];
    this.#base = 0;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #forget(taken: number): void {
    for (let first = this.#given[0]; first && this.#base + first.length <= taken; first = this.#given[0]) {
      this.#base += first.length;
      this.#given.shift();
    }
  }

  async #next(): Promise<Uint8Array | null> {
    const left = this.#left.shift();
    if (left) return left;
    try {
      const { value, done } = await this.#chunks.next();
      if (done) return null;
      if (this.bytes === 0) assertSigned(value, this.#form);
      this.bytes += value.length;
      return value;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}

function assertSigned(chunk: Uint8Array, form: Compression): void {
  if (signedForm(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)) === form) return;
  throw invalid(`it does not begin as ${form} does. Name it for what it is.`);
}

function assertBounded(written: number, read: number): void {
  if (written > maxInflatedBytes)
    throw invalid(`it has more than ${maxInflatedBytes} bytes once it is inflated. Split it.`);
  if (written > ratioFromBytes && written > maxRatio * read)
    throw invalid(`it inflates to more than ${maxRatio} times its bytes. Hand it over without compression.`);
}

function invalid(why: string, cause?: unknown): InvalidInputError {
  return new InvalidInputError('invalid_compression', `The input is compressed, and ${why}`, { param: 'file', cause });
}
