import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';
import type { IndexedShard } from '../shards/collected-shard.ts';
import { ByteReader } from './byte-reader.ts';

/** The result of one sending of a line. */
export interface SentResult {
  shard: ShardRecord;
  /** The result line, with its newline. */
  bytes: Buffer;
}

/** The results of all sendings of each line, lines in their order; each shard is read forward, from its first line to its last. */
export class SentResults {
  readonly #objects: Objects;
  /** By the ordinal of their next line, the first at the end. */
  readonly #waiting: { indexed: IndexedShard; position: number; ordinal: number }[];
  #open: OpenShard[] = [];

  /** @param from the first line that is asked for. */
  constructor(objects: Objects, shards: readonly IndexedShard[], from: number) {
    this.#objects = objects;
    this.#waiting = shards
      .map((indexed) => ({ indexed, ...firstFrom(indexed, from) }))
      .filter(({ indexed, position }) => position < indexed.index.length)
      .toSorted((left, right) => right.ordinal - left.ordinal);
  }

  /** @returns those of one line, earlier rounds first. To be asked for each line in turn. */
  async of(ordinal: number): Promise<SentResult[]> {
    while ((this.#waiting.at(-1)?.ordinal ?? Number.POSITIVE_INFINITY) <= ordinal) {
      const next = this.#waiting.pop();
      if (next) this.#open.push(new OpenShard(this.#objects, next.indexed, next.position));
    }
    const found: SentResult[] = [];
    for (const open of this.#open) if (open.nextOrdinal === ordinal) found.push(await open.take());
    if (this.#open.some(({ isDone }) => isDone)) await this.#closeDone();
    return found.length < 2 ? found : found.toSorted((left, right) => left.shard.round - right.shard.round);
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((open) => open.close()));
  }

  async #closeDone(): Promise<void> {
    await Promise.all(this.#open.filter(({ isDone }) => isDone).map((open) => open.close()));
    this.#open = this.#open.filter(({ isDone }) => !isDone);
  }
}

function firstFrom({ index }: IndexedShard, from: number): { position: number; ordinal: number } {
  let position = 0;
  while (position < index.length && index.ordinal(position) < from) position += 1;
  return { position, ordinal: position < index.length ? index.ordinal(position) : Number.POSITIVE_INFINITY };
}

class OpenShard {
  readonly #indexed: IndexedShard;
  readonly #output: ByteReader;
  readonly #errors: ByteReader;
  #position = 0;

  constructor(objects: Objects, indexed: IndexedShard, position: number) {
    this.#indexed = indexed;
    this.#output = new ByteReader(objects, indexed.result.outputKey);
    this.#errors = new ByteReader(objects, indexed.result.errorsKey);
    while (this.#position < position) {
      // Nothing is opened yet, so nothing is read.
      void this.#readerOf(this.#position).skip(indexed.index.byteLength(this.#position));
      this.#position += 1;
    }
  }

  get isDone(): boolean {
    return this.#position >= this.#indexed.index.length;
  }

  get nextOrdinal(): number {
    return this.isDone ? Number.POSITIVE_INFINITY : this.#indexed.index.ordinal(this.#position);
  }

  async take(): Promise<SentResult> {
    const { index, shard } = this.#indexed;
    const bytes = await this.#readerOf(this.#position).read(index.byteLength(this.#position));
    this.#position += 1;
    return { shard, bytes };
  }

  async close(): Promise<void> {
    await Promise.all([this.#output.close(), this.#errors.close()]);
  }

  #readerOf(position: number): ByteReader {
    return this.#indexed.index.entry(position).succeeded ? this.#output : this.#errors;
  }
}
