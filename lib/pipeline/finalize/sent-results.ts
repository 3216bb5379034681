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

/** Bytes of a shard's results that stand before those of a line. */
function bytesBefore({ index }: IndexedShard, position: number): { output: number; errors: number } {
  const before = { output: 0, errors: 0 };
  for (let earlier = 0; earlier < position; earlier += 1)
    before[index.entry(earlier).succeeded ? 'output' : 'errors'] += index.byteLength(earlier);
  return before;
}

class OpenShard {
  readonly #indexed: IndexedShard;
  readonly #output: ByteReader;
  readonly #errors: ByteReader;
  #position: number;

  /** @param position the first line of the shard that is read. */
  constructor(objects: Objects, indexed: IndexedShard, position: number) {
    const { outputKey, errorsKey } = indexed.result;
    const start = bytesBefore(indexed, position);
    this.#indexed = indexed;
    this.#output = new ByteReader(objects, outputKey, start.output);
    this.#errors = new ByteReader(objects, errorsKey, start.errors);
    this.#position = position;
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
