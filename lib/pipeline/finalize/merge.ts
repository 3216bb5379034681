import { z } from 'zod';
import type { ResultIndex } from '../../lines/line-index.ts';
import type { ObjectWriter, WrittenObject } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';
import { type CollectedShard, type IndexedShard, withIndexes } from '../shards/collected-shard.ts';
import { type Stretch, stretchSchema } from './checkpoint.ts';
import { LastRounds } from './last-rounds.ts';
import { writeResultPlaces } from './result-places.ts';
import { ShardReaders } from './shard-readers.ts';

export interface Merged {
  /** Null where there is no such line. */
  output: WrittenObject | null;
  errors: WrittenObject | null;
  completed: number;
  /** Executed and failed, or refused before. */
  failed: number;
  unexecuted: number;
  /** How many of the unexecuted ran out of time. */
  expired: number;
}

/** How far earlier runs have come. */
export const mergeCheckpointSchema = z.object({
  /** The first line that is not in a stretch yet. */
  nextOrdinal: z.number().int(),
  output: z.array(stretchSchema),
  errors: z.array(stretchSchema),
  /** Whether a run that was to write the files themselves had too little time: from then on all is written in stretches. */
  isTooMuch: z.boolean().default(false),
});
export type MergeCheckpoint = z.infer<typeof mergeCheckpointSchema>;

export const emptyMerge: MergeCheckpoint = { nextOrdinal: 0, output: [], errors: [], isTooMuch: false };

interface MergeKeys {
  output: string;
  errors: string;
}

/**
 * Merges the results of all shards and rounds into one output and one error file in input order, every line once.
 *
 * Results that stand together in the input and were not sent again go as a whole, copied by S3 itself where they are
 * large; all others are merged by ordinal, for each shard's results are in input order already. Memory holds the indexes:
 * 9 bytes a result.
 *
 * @param keys where both files go, and where each request's result stands in them.
 * @param checkpoint what stands in stretches already; they come first.
 * @returns null where it was told to stop before the end; then nothing of it stands.
 */
export async function mergeResults(
  objects: Objects,
  shards: readonly CollectedShard[],
  lines: number,
  keys: MergeKeys & { places: string },
  checkpoint: MergeCheckpoint,
  mustStop: () => boolean,
): Promise<Merged | null> {
  return withMerging(objects, shards, lines, keys, async (merging) => {
    await merging.append(checkpoint);
    const nextOrdinal = await merging.run(checkpoint.nextOrdinal, mustStop);
    if (nextOrdinal < lines) {
      await merging.abort();
      return null;
    }
    const [files] = await Promise.all([merging.finish(), merging.writePlaces(keys.places)]);
    return { ...files, ...merging.tally() };
  });
}

/**
 * Merges as above from where earlier runs stopped, until it is told to stop.
 *
 * @param keys where the stretches of this run go.
 */
export async function mergeStretch(
  objects: Objects,
  shards: readonly CollectedShard[],
  lines: number,
  keys: MergeKeys,
  checkpoint: MergeCheckpoint,
  mustStop: () => boolean,
): Promise<MergeCheckpoint> {
  return withMerging(objects, shards, lines, keys, async (merging) => {
    const nextOrdinal = await merging.run(checkpoint.nextOrdinal, mustStop);
    const { output, errors } = await merging.finish();
    return {
      ...checkpoint,
      nextOrdinal,
      output: output ? [...checkpoint.output, output] : checkpoint.output,
      errors: errors ? [...checkpoint.errors, errors] : checkpoint.errors,
    };
  });
}

async function withMerging<Result>(
  objects: Objects,
  shards: readonly CollectedShard[],
  lines: number,
  keys: MergeKeys,
  use: (merging: Merging) => Promise<Result>,
): Promise<Result> {
  const merging = new Merging(objects, await withIndexes(shards), lines, keys);
  try {
    return await use(merging);
  } catch (error) {
    await merging.abort();
    throw error;
  } finally {
    await merging.close();
  }
}

class Merging {
  readonly #objects: Objects;
  readonly #shards: readonly IndexedShard[];
  readonly #lines: number;
  readonly #last: LastRounds;
  /** By the ordinal of their first line. */
  readonly #wholes: Map<number, IndexedShard>;
  readonly #readers: ShardReaders;
  readonly #output: ObjectWriter;
  readonly #errors: ObjectWriter;

  constructor(objects: Objects, shards: readonly IndexedShard[], lines: number, keys: MergeKeys) {
    this.#objects = objects;
    this.#shards = shards;
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
  }

  async append({ output, errors }: MergeCheckpoint): Promise<void> {
    for (const stretch of output) await this.#append(this.#output, stretch);
    for (const stretch of errors) await this.#append(this.#errors, stretch);
  }

  /** @returns the line behind the last one that was written. */
  async run(nextOrdinal: number, mustStop: () => boolean): Promise<number> {
    let ordinal = nextOrdinal;
    while (ordinal < this.#lines) {
      const whole = this.#wholes.get(ordinal);
      ordinal += whole ? await this.#appendWhole(whole) : await this.#copyRun(ordinal);
      if (mustStop()) break;
    }
    return ordinal;
  }

  async finish(): Promise<Pick<Merged, 'output' | 'errors'>> {
    return { output: await closeOrDrop(this.#output), errors: await closeOrDrop(this.#errors) };
  }

  async writePlaces(key: string): Promise<void> {
    const writer = this.#objects.writer(key, { contentType: 'application/octet-stream' });
    await writeResultPlaces(writer, this.#shards, this.#lines, this.#last);
  }

  /** What became of all lines, by the indexes alone. */
  tally(): Omit<Merged, 'output' | 'errors'> {
    const counts = { completed: 0, failed: 0, unexecuted: 0, expired: 0 };
    for (const { shard, index } of this.#shards) {
      for (let position = 0; position < index.length; position += 1) {
        const ordinal = index.ordinal(position);
        if (!this.#last.isLast(ordinal, shard.round)) continue;
        const { succeeded, unexecuted, expired } = index.entry(position);
        if (succeeded) counts.completed += 1;
        else if (unexecuted) counts.unexecuted += 1;
        else counts.failed += 1;
        if (expired) counts.expired += 1;
      }
    }
    return counts;
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
    if (outputKey !== null) await this.#append(this.#output, stretchOf(outputKey, outputBytes, outputSha256));
    if (errorsKey !== null) await this.#append(this.#errors, stretchOf(errorsKey, errorBytes, errorsSha256));
    return index.length;
  }

  async #append(writer: ObjectWriter, { key, bytes, sections }: Stretch): Promise<void> {
    const { bucket } = this.#objects;
    await writer.append({ key, bytes, sections, read: () => this.#objects.stream({ bucket, key }) });
  }

  /** @returns how many lines were copied. */
  async #copyRun(ordinal: number): Promise<number> {
    const reader = await this.#readers.at(ordinal, this.#last);
    const run = reader.nextRun(this.#last);
    await reader.copy(run, run.succeeded ? this.#output : this.#errors);
    return run.lines;
  }
}

function stretchOf(key: string, bytes: number, sha256: string | null): Stretch {
  return { key, bytes, sections: [{ bytes, sha256 }] };
}

/** Whether the results of a shard stand one after the other in the input and none was sent again later. */
function isWhole(index: ResultIndex, round: number, last: LastRounds): boolean {
  if (index.length === 0) return false;
  const first = index.ordinal(0);
  for (let position = 0; position < index.length; position += 1)
    if (index.ordinal(position) !== first + position || !last.isLast(first + position, round)) return false;
  return true;
}

/** An empty result is no file, as at OpenAI. */
async function closeOrDrop(writer: ObjectWriter): Promise<WrittenObject | null> {
  return writer.bytes > 0 ? writer.close() : null;
}
