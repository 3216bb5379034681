import { z } from 'zod';
import type { OrdinalSet } from '../../lines/ordinal-set.ts';
import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { mergeWorkKey, resultKey } from '../../records/object-keys.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { WrittenObject } from '../../store/object-writer.ts';
import type { RunBudget } from '../run-budget.ts';
import type { Services } from '../services.ts';
import { collectedShards, type IndexedShard, withIndexes } from '../shards/collected-shard.ts';
import { readIndex, readShardLines } from '../shards/shard-lines.ts';
import { stretchSchema } from './checkpoint.ts';
import { LastRounds } from './last-rounds.ts';

/** How far earlier runs have come. */
export const retryCheckpointSchema = z.object({
  /** Lines before this one stand in a piece, or need not be sent again. */
  retryFromOrdinal: z.number().int(),
  pieces: z.array(stretchSchema),
});
export type RetryCheckpoint = z.infer<typeof retryCheckpointSchema>;

export const emptyRetry: RetryCheckpoint = { retryFromOrdinal: 0, pieces: [] };

interface OriginalLine {
  ordinal: number;
  bytes: Buffer;
}

/** Failed lines of one shard, in order. */
interface Source {
  shard: ShardRecord;
  /** Places in the shard. */
  first: number;
  last: number;
  /** Of the first one, and of the last one. */
  ordinal: number;
  lastOrdinal: number;
}

/**
 * Writes a piece of `retry.jsonl`: the original lines of every request that failed, in input order, ready to be dropped again.
 *
 * @param shards of all rounds; those of round 0 hold every line of the input.
 * @param token the run's own.
 * @returns how far it came, and whether that is the end.
 */
export async function writeRetryPiece(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
  token: string,
  checkpoint: RetryCheckpoint,
  budget: RunBudget,
): Promise<RetryCheckpoint & { isWhole: boolean }> {
  const indexed = await withIndexes(collectedShards(services.objects, shards));
  const failed = new LastRounds(indexed, batch.counts.total).failed();
  const sources = indexed.flatMap((source) => sourceOf(source, failed, checkpoint.retryFromOrdinal) ?? []);
  const writer = services.objects.writer(mergeWorkKey(batch.id, token, 'retry.jsonl'), { sha256: true });
  const lastOrdinal = sources.reduce((last, source) => Math.max(last, source.lastOrdinal), -1);
  let { retryFromOrdinal } = checkpoint;
  try {
    for await (const line of inOrder(services, sources, failed)) {
      if (line.bytes.length > 0) await writer.writeLine(line.bytes);
      retryFromOrdinal = line.ordinal + 1;
      if (line.ordinal < lastOrdinal && budget.mustStop()) break;
    }
    const piece = writer.bytes > 0 ? [await writer.close()] : [];
    const isWhole = retryFromOrdinal > lastOrdinal;
    return { retryFromOrdinal, pieces: [...checkpoint.pieces, ...piece], isWhole };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Joins the pieces. A late run must not put an older file over a newer one: see `beginRecollection`. */
export async function joinRetryPieces(
  services: Services,
  batch: BatchRecord,
  { pieces }: RetryCheckpoint,
): Promise<WrittenObject> {
  const { objects } = services;
  const writer = objects.writer(resultKey(batch.id, 'retry.jsonl'), { sha256: true });
  try {
    for (const { key, bytes, sections } of pieces)
      await writer.append({ key, bytes, sections, read: () => objects.stream({ bucket: objects.bucket, key }) });
    assertEpoch(await services.records.getBatch(batch.id), batch.epoch);
    return await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** @returns null where none of the shard's lines from that ordinal on failed, or where they stand in an earlier round's shard. */
function sourceOf({ shard, index }: IndexedShard, failed: OrdinalSet, fromOrdinal: number): Source | null {
  if (shard.round > 0) return null;
  let source: Source | null = null;
  for (let position = 0; position < index.length; position += 1) {
    const ordinal = index.ordinal(position);
    if (ordinal < fromOrdinal || !failed.has(ordinal)) continue;
    source ??= { shard, ordinal, lastOrdinal: ordinal, first: position, last: position };
    source.last = position;
    source.lastOrdinal = ordinal;
  }
  return source;
}

async function* failedLines(
  services: Services,
  { shard, first, last }: Source,
  failed: OrdinalSet,
): AsyncGenerator<OriginalLine> {
  const index = await readIndex(services.objects, shard);
  for await (const lines of readShardLines(services.objects, shard, index, first))
    for (const { position, entry, bytes } of lines) {
      if (failed.has(entry.ordinal)) yield { ordinal: entry.ordinal, bytes };
      if (position === last) return;
    }
}

/** Merges the lines of all sources; each is open only from its first line to its last, because it keeps its index. */
async function* inOrder(
  services: Services,
  sources: readonly Source[],
  failed: OrdinalSet,
): AsyncGenerator<OriginalLine> {
  const waiting = sources.toSorted((left, right) => right.ordinal - left.ordinal);
  const open: { line: OriginalLine; lines: AsyncGenerator<OriginalLine> }[] = [];
  try {
    while (waiting.length > 0 || open.length > 0) {
      const next = waiting.at(-1);
      const first = open.toSorted((left, right) => left.line.ordinal - right.line.ordinal)[0];
      if (next && (!first || next.ordinal < first.line.ordinal)) {
        waiting.pop();
        const lines = failedLines(services, next, failed);
        const { value, done } = await lines.next();
        if (!done) open.push({ line: value, lines });
      } else if (first) {
        yield first.line;
        const { value, done } = await first.lines.next();
        if (done) open.splice(open.indexOf(first), 1);
        else first.line = value;
      }
    }
  } finally {
    await Promise.all(open.map(({ lines }) => lines.return(undefined)));
  }
}
