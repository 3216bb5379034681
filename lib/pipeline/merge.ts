import type { ResultIndex } from '../core/line-index.ts';
import { OrdinalSet } from '../core/ordinal-set.ts';
import type { ObjectWriter, WrittenObject } from '../store/object-writer.ts';
import type { Objects } from '../store/objects.ts';
import type { CollectedShard, IndexedShard } from './collected-shard.ts';
import { LastRounds } from './last-rounds.ts';
import { inParallel } from './parallel.ts';
import { ShardReaders } from './shard-readers.ts';

/** Indexes read at a time. */
const readsAtATime = 10;

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
  /** The lines in the error file. */
  failedOrdinals: OrdinalSet;
}

/**
 * Merges the results of all shards and rounds into one output and one error file in input order, every line once.
 *
 * Results that stand together in the input and were not sent again go as a whole, copied by S3 itself where they are
 * large; all others are merged by ordinal, for each shard's results are in input order already. Memory holds the indexes:
 * 9 bytes a result.
 */
export async function mergeResults(
  objects: Objects,
  shards: readonly CollectedShard[],
  lines: number,
  keys: { output: string; errors: string },
): Promise<Merged> {
  const indexed = await inParallel(readsAtATime, shards, async (shard) => ({
    ...shard,
    index: await shard.readIndex(),
  }));
  const merging = new Merging(objects, indexed, lines, keys);
  try {
    return await merging.run();
  } catch (error) {
    await merging.abort();
    throw error;
  } finally {
    await merging.close();
  }
}

class Merging {
  readonly #objects: Objects;
  readonly #lines: number;
  readonly #last: LastRounds;
  /** By the ordinal of their first line. */
  readonly #wholes: Map<number, IndexedShard>;
  readonly #readers: ShardReaders;
  readonly #output: ObjectWriter;
  readonly #errors: ObjectWriter;
  readonly #failedOrdinals: OrdinalSet;
  readonly #counts = { completed: 0, unexecuted: 0, expired: 0 };

  constructor(
    objects: Objects,
    shards: readonly IndexedShard[],
    lines: number,
    keys: { output: string; errors: string },
  ) {
    this.#objects = objects;
    this.#lines = lines;
    this.#last = new LastRounds(shards, lines);
    const wholes = shards.filter(({ shard, index }) => isWhole(index, shard.round, this.#last));
    this.#wholes = new Map(wholes.map((whole) => [whole.index.ordinal(0), whole]));
    this.#readers = new ShardReaders(
      objects,
      shards.filter((shard) => !wholes.includes(shard)),
    );
    this.#output = objects.writer(keys.output, { sha256: true });
    this.#errors = objects.writer(keys.errors, { sha256: true });
    this.#failedOrdinals = new OrdinalSet(lines);
  }

  async run(): Promise<Merged> {
    for (let ordinal = 0; ordinal < this.#lines; ) {
      const whole = this.#wholes.get(ordinal);
      ordinal += whole ? await this.#appendWhole(whole) : await this.#copyRun(ordinal);
    }
    const written = { output: await closeOrDrop(this.#output), errors: await closeOrDrop(this.#errors) };
    const failedOrdinals = this.#failedOrdinals;
    return { ...written, ...this.#counts, failed: failedOrdinals.size - this.#counts.unexecuted, failedOrdinals };
  }

  async abort(): Promise<void> {
    await Promise.all([this.#output.abort(), this.#errors.abort()]);
  }

  async close(): Promise<void> {
    await this.#readers.close();
  }

  /** @returns how many lines it has. */
  async #appendWhole({ result, index }: IndexedShard): Promise<number> {
    const { outputKey, outputBytes, outputSha256, errorsKey, errorBytes, errorsSha256 } = result;
    await this.#append(this.#output, outputKey, outputBytes, outputSha256);
    await this.#append(this.#errors, errorsKey, errorBytes, errorsSha256);
    for (let place = 0; place < index.length; place += 1) this.#count(index, place, 1);
    return index.length;
  }

  async #append(writer: ObjectWriter, key: string | null, bytes: number, sha256: string | null): Promise<void> {
    if (key === null) return;
    const { bucket } = this.#objects;
    await writer.append({ key, bytes, sha256, read: () => this.#objects.stream({ bucket, key }) });
  }

  /** @returns how many lines were copied. */
  async #copyRun(ordinal: number): Promise<number> {
    const reader = await this.#readers.at(ordinal, this.#last);
    const run = reader.nextRun(this.#last);
    this.#count(reader.index, run.place, run.lines);
    await reader.copy(run, run.succeeded ? this.#output : this.#errors);
    return run.lines;
  }

  /** Takes note of lines that have the same outcome. */
  #count(index: ResultIndex, place: number, lines: number): void {
    const { succeeded, unexecuted, expired } = index.entry(place);
    if (succeeded) this.#counts.completed += lines;
    else for (let at = place; at < place + lines; at += 1) this.#failedOrdinals.add(index.ordinal(at));
    if (unexecuted) this.#counts.unexecuted += lines;
    if (expired) this.#counts.expired += lines;
  }
}

/** Whether the results of a shard stand one after the other in the input and none was sent again later. */
function isWhole(index: ResultIndex, round: number, last: LastRounds): boolean {
  if (index.length === 0) return false;
  const first = index.ordinal(0);
  for (let place = 0; place < index.length; place += 1)
    if (index.ordinal(place) !== first + place || !last.isLast(first + place, round)) return false;
  return true;
}

/** An empty result is no file, as at OpenAI. */
async function closeOrDrop(writer: ObjectWriter): Promise<WrittenObject | null> {
  return writer.bytes > 0 ? writer.close() : null;
}
