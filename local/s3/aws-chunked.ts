import { S3Error } from './errors.ts';

/** Longest line of framing: a size, a signature of at most 144 characters (ECDSA), or one checksum trailer. */
const maxLineBytes = 1024;
const lineFeed = 0x0a;

/**
 * Takes the framing off a body in the content encoding `aws-chunked`.
 *
 * Chunk signatures are read past, as all signatures are here.
 *
 * @param trailers receives the trailing headers, names in lower case, once the last chunk has been read.
 * @throws S3Error IncompleteBody if the framing is broken or the body ends early.
 * Source: S3 API reference, "Signature calculations for the Authorization header: transferring payload in chunks".
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Uint8Array>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const reader = new FrameReader(body);
  try {
    for (let size = await readChunkSize(reader); size > 0; size = await readChunkSize(reader)) {
      yield* reader.bytes(size);
      if ((await reader.line()) !== '') {
        throw brokenFraming('a chunk is longer than its size says');
      }
    }
    await readTrailers(reader, trailers);
    await reader.skipRest();
  } finally {
    await reader.stop();
  }
}

async function readChunkSize(reader: FrameReader): Promise<number> {
  const line = await reader.line();
  const size = line?.split(';', 1)[0] ?? '';
  if (!/^[0-9a-f]{1,12}$/i.test(size)) {
    throw brokenFraming('a chunk does not start with its size');
  }
  return Number.parseInt(size, 16);
}

async function readTrailers(reader: FrameReader, trailers: Map<string, string>): Promise<void> {
  for (let line = await reader.line(); line !== undefined && line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    if (colon > 0) {
      trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
}

function brokenFraming(reason: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked body is not well-formed: ${reason}.`);
}

/** Reads lines and counted bytes off a stream, holding one received piece at a time. */
class FrameReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#pieces = body[Symbol.asyncIterator]();
  }

  /** @returns the next line without its end, or undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    let line: Buffer = Buffer.alloc(0);
    for (;;) {
      const end = this.#piece.indexOf(lineFeed);
      const taken = this.#piece.subarray(0, end < 0 ? undefined : end + 1);
      line = line.length === 0 ? taken : Buffer.concat([line, taken]);
      this.#piece = this.#piece.subarray(taken.length);
      if (line.length > maxLineBytes) {
        throw brokenFraming('a line of framing is too long');
      }
      if (end >= 0) {
        return line.toString('latin1').replace(/\r?\n$/, '');
      }
      if (!(await this.#advance())) {
        return line.length === 0 ? undefined : line.toString('latin1');
      }
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    for (let missing = count; missing > 0; ) {
      if (this.#piece.length === 0 && !(await this.#advance())) {
        throw brokenFraming('it ends within a chunk');
      }
      const taken = this.#piece.subarray(0, missing);
      this.#piece = this.#piece.subarray(taken.length);
      missing -= taken.length;
      yield taken;
    }
  }

  async skipRest(): Promise<void> {
    while (await this.#advance()) {}
  }

  /** Lets go of the stream, which may still have bytes to be thrown away. */
  async stop(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #advance(): Promise<boolean> {
    const next = await this.#pieces.next();
    if (next.done) {
      return false;
    }
    this.#piece = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    return true;
  }
}
