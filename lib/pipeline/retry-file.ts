import { resultKey } from '../core/keys.ts';
import type { ShardRecord } from '../core/shard.ts';
import type { WrittenObject } from '../store/object-writer.ts';
import type { Services } from './services.ts';
import { readIndex, readShardLines } from './shard-lines.ts';

interface OriginalLine {
  ordinal: number;
  bytes: Buffer;
}

/**
 * Writes `retry.jsonl`: the original lines of every request that failed, in input order, ready to be dropped again.
 *
 * @param firstRound the shards of round 0, which hold every line of the input.
 * @param failedOrdinals ascending.
 */
export async function writeRetryFile(
  services: Services,
  batchId: string,
  firstRound: readonly ShardRecord[],
  failedOrdinals: readonly number[],
): Promise<WrittenObject | null> {
  if (failedOrdinals.length === 0) return null;
  const wanted = new Set(failedOrdinals);
  const writer = services.objects.writer(resultKey(batchId, 'retry.jsonl'));
  try {
    for await (const line of inOrder(firstRound.map((shard) => failedLines(services, shard, wanted))))
      if (line.bytes.length > 0) await writer.writeLine(line.bytes);
    return await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

async function* failedLines(
  services: Services,
  shard: ShardRecord,
  wanted: ReadonlySet<number>,
): AsyncGenerator<OriginalLine> {
  const entries = await readIndex(services.objects, shard);
  if (!entries.some((entry) => wanted.has(entry.ordinal))) return;
  for await (const lines of readShardLines(services.objects, shard, entries))
    for (const { entry, bytes } of lines) if (wanted.has(entry.ordinal)) yield { ordinal: entry.ordinal, bytes };
}

/** Merges sources that are each in order. */
async function* inOrder(sources: AsyncGenerator<OriginalLine>[]): AsyncGenerator<OriginalLine> {
  const heads: { line: OriginalLine; source: AsyncGenerator<OriginalLine> }[] = [];
  for (const source of sources) {
    const { value, done } = await source.next();
    if (!done) heads.push({ line: value, source });
  }
  while (heads.length > 0) {
    const first = heads.reduce((left, right) => (right.line.ordinal < left.line.ordinal ? right : left));
    yield first.line;
    const { value, done } = await first.source.next();
    if (done) heads.splice(heads.indexOf(first), 1);
    else first.line = value;
  }
}
