import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { ObjectWriter, type Upload, type WriterOptions } from '../../lib/store/object-writer.ts';
import { Objects } from '../../lib/store/objects.ts';

/** 1 MiB, the chunks of the measured floor. */
const chunkBytes = 1024 * 1024;

/** Streams a file as an object store would, at the speed of the disk. */
export function readChunks(path: string, start = 0): AsyncIterable<Buffer> {
  return createReadStream(path, { start, highWaterMark: chunkBytes });
}

/** Objects as files: the data path without S3, its client and its checksums. */
export class FileObjects extends Objects {
  readonly #folder: string;

  constructor(folder: string) {
    super(new S3Client({ region: 'nowhere' }), 'bench');
    this.#folder = folder;
  }

  pathOf(key: string): string {
    return join(this.#folder, key);
  }

  override writer(key: string, options: WriterOptions = {}): ObjectWriter {
    const upload = new FileUpload(this.pathOf(key), (source) => this.pathOf(source));
    return new ObjectWriter(upload, { bucket: this.bucket, key }, options);
  }

  override async *stream(object: { bucket: string; key: string }, start = 0): AsyncGenerator<Uint8Array> {
    yield* readChunks(this.pathOf(object.key), start);
  }
}

/** Parts one after the other into a file. Sent out of order they would stand out of order: a writer sends them in order. */
class FileUpload implements Upload {
  readonly #path: string;
  readonly #pathOf: (key: string) => string;
  #file: Promise<FileHandle> | undefined;
  #bytes = 0;

  constructor(path: string, pathOf: (key: string) => string) {
    this.#path = path;
    this.#pathOf = pathOf;
  }

  async putWhole(bytes: Buffer): Promise<string> {
    await this.sendPart(1, bytes);
    return this.complete();
  }

  async sendPart(_partNumber: number, bytes: Buffer): Promise<void> {
    const offset = this.#bytes;
    this.#bytes += bytes.length;
    const file = await this.#opened();
    await file.write(bytes, 0, bytes.length, offset);
  }

  async copyPart(_partNumber: number, key: string, start: number, end: number): Promise<void> {
    const offset = this.#bytes;
    this.#bytes += end - start;
    const [source, target] = await Promise.all([open(this.#pathOf(key)), this.#opened()]);
    const buffer = Buffer.allocUnsafe(8 * chunkBytes);
    for (let at = start; at < end; ) {
      const { bytesRead } = await source.read(buffer, 0, Math.min(buffer.length, end - at), at);
      await target.write(buffer, 0, bytesRead, offset + at - start);
      at += bytesRead;
    }
    await source.close();
  }

  async complete(): Promise<string> {
    await (await this.#opened()).close();
    return '"bench"';
  }

  async abort(): Promise<void> {
    await (await this.#file)?.close();
    await rm(this.#path, { force: true });
  }

  #opened(): Promise<FileHandle> {
    this.#file ??= mkdir(dirname(this.#path), { recursive: true }).then(() => open(this.#path, 'w'));
    return this.#file;
  }
}
