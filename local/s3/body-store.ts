import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Segment } from './stored-object.ts';

/** Read in pieces of 256 KiB: four times Node's default, which halves the number of trips to its thread pool. */
const readChunkBytes = 256 * 1024;

/** Up to 1 MiB waits for the disk, so that receiving goes on meanwhile and small pieces are written together. */
const writeOptions = { highWaterMark: 1024 * 1024 };

/** Bytes start to end of a body, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** A body being read. Its files stay until it is released, whatever happens to the object meanwhile. */
export interface OpenBody {
  chunks: AsyncIterable<Uint8Array>;
  release(): void;
}

/**
 * Keeps bodies as immutable files under random names.
 *
 * A file counts only once a commit names it, so a half-written one needs no mark: the next start removes every file that
 * no commit names.
 */
export class BodyStore {
  readonly #folder: string;
  readonly #readersByFile = new Map<string, number>();
  readonly #discarded = new Set<string>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens the folder and removes what crashed writers and unfinished removals left in it. */
  static async open(folder: string, isCommitted: (file: string) => boolean): Promise<BodyStore> {
    for (let shard = 0; shard < 256; shard += 1) {
      const shardFolder = path.join(folder, shard.toString(16).padStart(2, '0'));
      await mkdir(shardFolder, { recursive: true, mode: 0o700 });
      for (const file of await readdir(shardFolder)) {
        if (!isCommitted(file)) {
          await rm(path.join(shardFolder, file), { force: true });
        }
      }
    }
    return new BodyStore(folder);
  }

  /** Writes a stream to a new file; a failing stream leaves nothing behind. */
  async write(content: AsyncIterable<Uint8Array>): Promise<Segment> {
    const file = randomBytes(16).toString('hex');
    let size = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of content) {
        size += chunk.byteLength;
        yield chunk;
      }
    }
    // Opened first: a stream that opens its file by itself may do so after the removal of what failed.
    const handle = await open(this.#pathOf(file), 'wx', 0o600);
    try {
      await pipeline(counted, handle.createWriteStream(writeOptions));
    } catch (error) {
      await rm(this.#pathOf(file), { force: true });
      throw error;
    }
    return { file, size };
  }

  /** Opens a body, or a range of it, for reading. Must be called in the same turn in which its record was looked up. */
  read(segments: Segment[], range: ByteRange): OpenBody {
    for (const { file } of segments) {
      this.#readersByFile.set(file, (this.#readersByFile.get(file) ?? 0) + 1);
    }
    let isReleased = false;
    const release = () => {
      if (!isReleased) {
        isReleased = true;
        this.#release(segments);
      }
    };
    return { chunks: this.#chunks(segments, range), release };
  }

  /** Removes files that no commit names any more, each one as soon as nobody reads it. */
  discard(segments: Segment[]): void {
    for (const { file } of segments) {
      if (this.#readersByFile.has(file)) {
        this.#discarded.add(file);
      } else {
        this.#remove(file);
      }
    }
  }

  async *#chunks(segments: Segment[], range: ByteRange): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for (const { file, size } of segments) {
      const start = Math.max(range.start - offset, 0);
      const end = Math.min(range.end - offset, size - 1);
      if (start <= end) {
        yield* createReadStream(this.#pathOf(file), { start, end, highWaterMark: readChunkBytes });
      }
      offset += size;
    }
  }

  #release(segments: Segment[]): void {
    for (const { file } of segments) {
      const readers = (this.#readersByFile.get(file) ?? 1) - 1;
      if (readers > 0) {
        this.#readersByFile.set(file, readers);
        continue;
      }
      this.#readersByFile.delete(file);
      if (this.#discarded.delete(file)) {
        this.#remove(file);
      }
    }
  }

  #remove(file: string): void {
    // Nobody waits for a removal; one that fails is made up for by the next start.
    rm(this.#pathOf(file), { force: true }).catch(() => {});
  }

  #pathOf(file: string): string {
    return path.join(this.#folder, file.slice(0, 2), file);
  }
}
