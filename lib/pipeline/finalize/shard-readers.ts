import type { ResultIndex } from '../../lines/line-index.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import type { PendingWrite } from '../../store/pending-writes.ts';
import type { IndexedShard } from '../shards/collected-shard.ts';
import { ByteReader } from './byte-reader.ts';
import type { LastRounds } from './last-rounds.ts';

/** Results that follow each other, in a shard and in the input, with one outcome. */
export interface ResultRun {
  /** Place of the first one within the shard. */
  position: number;
  lines: number;
  bytes: number;
  succeeded: boolean;
}

/** One result over it ends a run: whoever copies runs may stop between two. */
const maxRunBytes = 256 * 1024 * 1024;

/** Shards side by side, each read forward only, opened when its first line is due and closed after its last. */
export class ShardReaders {
  readonly #waiting: ShardReader[];
  #open: ShardReader[] = [];

  constructor(objects: Objects, shards: readonly IndexedShard[]) {
    this.#waiting = shards
      .filter(({ index }) => index.length > 0)
      .map((shard) => new ShardReader(objects, shard))
      .toSorted((left, right) => right.nextOrdinal - left.nextOrdinal);
  }

  /** @returns the reader that stands at the last sending's result of this line; those of earlier sendings are skipped. */
  async at(ordinal: number, last: LastRounds): Promise<ShardReader> {
    this.#openUntil(ordinal);
    let found: ShardReader | undefined;
    for (const reader of this.#open) {
      if (reader.nextOrdinal < ordinal) await reader.skipTo(ordinal);
      if (reader.nextOrdinal === ordinal && last.isLast(ordinal, reader.round)) found = reader;
    }
    if (this.#open.some((reader) => reader.isDone)) await this.#closeDone();
    if (!found) throw new Error(`Line ${ordinal} has no result.`);
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((reader) => reader.close()));
  }

  #openUntil(ordinal: number): void {
    while ((this.#waiting.at(-1)?.nextOrdinal ?? Number.POSITIVE_INFINITY) <= ordinal) {
      const reader = this.#waiting.pop();
      if (reader) this.#open.push(reader);
    }
  }

  async #closeDone(): Promise<void> {
    await Promise.all(this.#open.filter((reader) => reader.isDone).map((reader) => reader.close()));
    this.#open = this.#open.filter((reader) => !reader.isDone);
  }
}

export class ShardReader {
  readonly index: ResultIndex;
  readonly round: number;
  readonly #output: ByteReader;
  readonly #errors: ByteReader;
  #position = 0;

  constructor(objects: Objects, { shard, result, index }: IndexedShard) {
    this.index = index;
    this.round = shard.round;
    this.#output = new ByteReader(objects, result.outputKey);
    this.#errors = new ByteReader(objects, result.errorsKey);
  }

  get isDone(): boolean {
    return this.#position >= this.index.length;
  }

  get nextOrdinal(): number {
    return this.isDone ? Number.POSITIVE_INFINITY : this.index.ordinal(this.#position);
  }

  /** @returns the results from here on that can be copied at one go. */
  nextRun(last: LastRounds): ResultRun {
    const position = this.#position;
    const first = this.index.ordinal(position);
    const { succeeded } = this.index.entry(position);
    let lines = 0;
    let bytes = 0;
    do {
      bytes += this.index.byteLength(position + lines);
      lines += 1;
    } while (bytes < maxRunBytes && this.#continues(position, lines, first, last));
    return { position, lines, bytes, succeeded };
  }

  copy(run: ResultRun, writer: ObjectWriter): PendingWrite {
    this.#position += run.lines;
    return (run.succeeded ? this.#output : this.#errors).copy(run.bytes, writer);
  }

  /** Leaves out results of lines that were sent again later. */
  async skipTo(ordinal: number): Promise<void> {
    while (this.nextOrdinal < ordinal) {
      const { succeeded, byteLength } = this.index.entry(this.#position);
      this.#position += 1;
      await (succeeded ? this.#output : this.#errors).skip(byteLength);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#output.close(), this.#errors.close()]);
  }

  #continues(position: number, lines: number, first: number, last: LastRounds): boolean {
    const next = position + lines;
    return (
      next < this.index.length &&
      this.index.ordinal(next) === first + lines &&
      this.index.flags(next) === this.index.flags(position) &&
      last.isLast(first + lines, this.round)
    );
  }
}
