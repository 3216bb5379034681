import { ResultIndex } from '../core/line-index.ts';
import type { ShardRecord, ShardResult } from '../core/shard.ts';
import type { ObjectWriter, WrittenObject } from '../store/object-writer.ts';
import type { Objects } from '../store/objects.ts';

/** A collected shard with its results' index at hand. */
export interface CollectedShard {
  shard: ShardRecord;
  result: ShardResult;
  index: ResultIndex;
}

export async function loadCollected(objects: Objects, shards: readonly ShardRecord[]): Promise<CollectedShard[]> {
  const loaded: CollectedShard[] = [];
  for (const shard of shards) {
    if (!shard.result) throw new Error(`Shard ${shard.batchId}/${shard.round}/${shard.shard} was not collected.`);
    loaded.push({
      shard,
      result: shard.result,
      index: new ResultIndex(await objects.readBytes(shard.result.indexKey)),
    });
  }
  return loaded;
}

/** Which sending of each line counts: its last one. Two bytes a line. */
export class LastRounds {
  readonly #rounds: Uint8Array;

  constructor(shards: readonly CollectedShard[], lines: number) {
    this.#rounds = new Uint8Array(lines);
    for (const { shard, index } of shards) {
      for (let place = 0; place < index.length; place += 1) {
        const ordinal = index.ordinal(place);
        if (shard.round > (this.#rounds[ordinal] ?? 0)) this.#rounds[ordinal] = shard.round;
      }
    }
  }

  isLast(ordinal: number, round: number): boolean {
    return this.#rounds[ordinal] === round;
  }
}

export interface Merged {
  /** Null where there is no such line. */
  output: WrittenObject | null;
  errors: WrittenObject | null;
  completed: number;
  /** Executed and failed, or refused before. */
  failed: number;
  unexecuted: number;
  /** Of the unexecuted: how many ran out of time. */
  expired: number;
  /** Ordinals of the lines in the error file, ascending. */
  failedOrdinals: number[];
}

/**
 * Merges the results of all shards and rounds into one output and one error file in input order, every line once.
 * Each shard's results are in input order already, so this is a merge by ordinal; memory holds the indexes.
 */
export async function mergeResults(
  objects: Objects,
  shards: readonly CollectedShard[],
  lines: number,
  keys: { output: string; errors: string },
): Promise<Merged> {
  const last = new LastRounds(shards, lines);
  const output = objects.writer(keys.output);
  const errors = objects.writer(keys.errors);
  const readers = new Readers(objects, shards);
  const failedOrdinals: number[] = [];
  let completed = 0;
  let unexecuted = 0;
  let expired = 0;
  try {
    for (let ordinal = 0; ordinal < lines; ordinal += 1) {
      const line = await readers.take(ordinal, last);
      if (!line) throw new Error(`Line ${ordinal} has no result.`);
      await (line.succeeded ? output : errors).write(line.bytes);
      if (line.succeeded) completed += 1;
      else failedOrdinals.push(ordinal);
      if (line.unexecuted) unexecuted += 1;
      if (line.expired) expired += 1;
    }
    const written = { output: await closeOrDrop(output), errors: await closeOrDrop(errors) };
    return { ...written, completed, failed: failedOrdinals.length - unexecuted, unexecuted, expired, failedOrdinals };
  } catch (error) {
    await Promise.all([output.abort(), errors.abort()]);
    throw error;
  } finally {
    await readers.close();
  }
}

/** An empty result is no file, as at OpenAI. */
async function closeOrDrop(writer: ObjectWriter): Promise<WrittenObject | null> {
  return writer.bytes > 0 ? writer.close() : null;
}

interface MergedLine {
  bytes: Buffer;
  succeeded: boolean;
  unexecuted: boolean;
  expired: boolean;
}

/** All shards side by side, each read forward only, opened when its first line is due and closed after its last. */
class Readers {
  readonly #waiting: ShardReader[];
  #open: ShardReader[] = [];

  constructor(objects: Objects, shards: readonly CollectedShard[]) {
    this.#waiting = shards
      .filter(({ index }) => index.length > 0)
      .map((shard) => new ShardReader(objects, shard))
      .toSorted((left, right) => right.nextOrdinal - left.nextOrdinal);
  }

  /** @returns the last sending's result of one line; those of earlier sendings are skipped. */
  async take(ordinal: number, last: LastRounds): Promise<MergedLine | null> {
    while ((this.#waiting.at(-1)?.nextOrdinal ?? Number.POSITIVE_INFINITY) <= ordinal) {
      const reader = this.#waiting.pop();
      if (reader) this.#open.push(reader);
    }
    let found: MergedLine | null = null;
    for (const reader of this.#open) {
      if (reader.nextOrdinal !== ordinal) continue;
      const line = await reader.next();
      if (last.isLast(ordinal, reader.round)) found = line;
    }
    if (this.#open.some((reader) => reader.isDone)) this.#open = await this.#withoutDone();
    return found;
  }

  async #withoutDone(): Promise<ShardReader[]> {
    await Promise.all(this.#open.filter((reader) => reader.isDone).map((reader) => reader.close()));
    return this.#open.filter((reader) => !reader.isDone);
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((reader) => reader.close()));
  }
}

class ShardReader {
  readonly #index: ResultIndex;
  readonly #output: ByteReader;
  readonly #errors: ByteReader;
  readonly round: number;
  #place = 0;

  constructor(objects: Objects, { shard, result, index }: CollectedShard) {
    this.#index = index;
    this.round = shard.round;
    this.#output = new ByteReader(objects, result.outputKey);
    this.#errors = new ByteReader(objects, result.errorsKey);
  }

  get isDone(): boolean {
    return this.#place >= this.#index.length;
  }

  get nextOrdinal(): number {
    return this.isDone ? Number.POSITIVE_INFINITY : this.#index.ordinal(this.#place);
  }

  async next(): Promise<MergedLine> {
    const { succeeded, unexecuted, expired, byteLength } = this.#index.entry(this.#place);
    this.#place += 1;
    const bytes = await (succeeded ? this.#output : this.#errors).read(byteLength);
    return { bytes, succeeded, unexecuted, expired };
  }

  async close(): Promise<void> {
    await Promise.all([this.#output.close(), this.#errors.close()]);
  }
}

/** Reads an object forward, so many bytes at a time. */
class ByteReader {
  readonly #objects: Objects;
  readonly #key: string | null;
  #chunks: AsyncGenerator<Uint8Array> | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(objects: Objects, key: string | null) {
    this.#objects = objects;
    this.#key = key;
  }

  async read(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = length;
    while (missing > this.#rest.length) {
      pieces.push(this.#rest);
      missing -= this.#rest.length;
      this.#rest = await this.#nextChunk();
    }
    pieces.push(this.#rest.subarray(0, missing));
    this.#rest = this.#rest.subarray(missing);
    return pieces.length === 1 ? (pieces[0] ?? this.#rest) : Buffer.concat(pieces, length);
  }

  async #nextChunk(): Promise<Buffer> {
    if (this.#key === null) throw new Error('The index of a shard names results that it does not have.');
    this.#chunks ??= this.#objects.stream({ bucket: this.#objects.bucket, key: this.#key });
    const { value, done } = await this.#chunks.next();
    if (done) throw new Error(`${this.#key} is shorter than its index says.`);
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }

  async close(): Promise<void> {
    await this.#chunks?.return(undefined);
  }
}
