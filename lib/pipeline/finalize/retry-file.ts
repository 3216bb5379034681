import type { OrdinalSet } from '../../lines/ordinal-set.ts';
import { resultKey } from '../../records/object-keys.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { WrittenObject } from '../../store/object-writer.ts';
import { inParallel } from '../parallel.ts';
import type { Services } from '../services.ts';
import { collectedShards } from '../shards/collected-shard.ts';
import { readIndex, readShardLines } from '../shards/shard-lines.ts';

interface OriginalLine {
  ordinal: number;
  bytes: Buffer;
}

/** Lines of one shard, in order. */
interface Source {
  /** Ordinal of its first line. */
  ordinal: number;
  open(): AsyncGenerator<OriginalLine>;
}

/** Indexes read at a time. */
const readsAtATime = 10;

/**
 * Writes `retry.jsonl`: the original lines of every request that failed, in input order, ready to be dropped again.
 *
 * @param firstRound the shards of round 0, which hold every line of the input.
 */
export async function writeRetryFile(
  services: Services,
  batchId: string,
  firstRound: readonly ShardRecord[],
  failed: OrdinalSet,
): Promise<WrittenObject | null> {
  if (failed.size === 0) return null;
  const sources = await inParallel(readsAtATime, firstRound, (shard) => sourceOf(services, shard, failed));
  const writer = services.objects.writer(resultKey(batchId, 'retry.jsonl'), { sha256: true });
  try {
    for await (const line of inOrder(sources.filter((source) => source !== null)))
      if (line.bytes.length > 0) await writer.writeLine(line.bytes);
    return await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** @returns null where none of the shard's lines failed. */
async function sourceOf(services: Services, shard: ShardRecord, failed: OrdinalSet): Promise<Source | null> {
  const [source] = collectedShards(services.objects, [shard]);
  const index = await source?.readIndex();
  for (let position = 0; index && position < index.length; position += 1)
    if (failed.has(index.ordinal(position)))
      return { ordinal: index.ordinal(position), open: () => failedLines(services, shard, failed) };
  return null;
}

async function* failedLines(services: Services, shard: ShardRecord, failed: OrdinalSet): AsyncGenerator<OriginalLine> {
  const index = await readIndex(services.objects, shard);
  for await (const lines of readShardLines(services.objects, shard, index))
    for (const { entry, bytes } of lines) if (failed.has(entry.ordinal)) yield { ordinal: entry.ordinal, bytes };
}

/** Merges the lines of all sources; each is open only from its first line to its last, because it keeps its index. */
async function* inOrder(sources: readonly Source[]): AsyncGenerator<OriginalLine> {
  const waiting = sources.toSorted((left, right) => right.ordinal - left.ordinal);
  const open: { line: OriginalLine; lines: AsyncGenerator<OriginalLine> }[] = [];
  while (waiting.length > 0 || open.length > 0) {
    const next = waiting.at(-1);
    const first = open.toSorted((left, right) => left.line.ordinal - right.line.ordinal)[0];
    if (next && (!first || next.ordinal < first.line.ordinal)) {
      waiting.pop();
      const lines = next.open();
      const { value, done } = await lines.next();
      if (!done) open.push({ line: value, lines });
    } else if (first) {
      yield first.line;
      const { value, done } = await first.lines.next();
      if (done) open.splice(open.indexOf(first), 1);
      else first.line = value;
    }
  }
}
