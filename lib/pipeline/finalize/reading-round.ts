import { LineIndexEncoder } from '../../lines/line-index.ts';
import { type BatchRecord, openRound } from '../../records/batch.ts';
import { shardWorkKey } from '../../records/object-keys.ts';
import { newShard, type ShardRecord } from '../../records/shard.ts';
import { inParallel } from '../parallel.ts';
import type { Services } from '../services.ts';
import { collectedShards, type IndexedShard, withIndexes } from '../shards/collected-shard.ts';
import { readIndex } from '../shards/shard-lines.ts';
import { LastRounds } from './last-rounds.ts';

/** Records written at a time. */
const writesAtATime = 10;

/**
 * Opens a round that sends nothing: its shards hold the lines whose answers are lost, and Collect reads the results of
 * their provider batches again. What comes of it takes the place of the error lines, as a later round's results do.
 *
 * @param shards of all rounds so far.
 */
export async function openReadingRound(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
): Promise<void> {
  const token = services.token();
  const round = batch.rounds.length;
  const indexed = await withIndexes(collectedShards(services.objects, shards));
  const last = new LastRounds(indexed, batch.counts.total);
  const open: ShardRecord[] = [];
  for (const source of indexed) {
    if (source.result.lost === 0) continue;
    const opened = await writeShard(services, source, last, { token, round, shard: open.length });
    if (opened) open.push(opened);
  }
  await inParallel(writesAtATime, open, (shard) => services.records.createShard(shard));
  const settled = { completed: batch.counts.completed, failed: 0 };
  await services.records.updateBatch(batch.id, (current) => {
    const { recollection } = current;
    if (current.epoch !== batch.epoch || !recollection || recollection.isOpen) return current;
    const marked = { ...current, recollection: { ...recollection, isOpen: true } };
    return open.length > 0 ? openRound(marked, round, { token, shards: open.length, settled }) : marked;
  });
}

/** @returns null where all that was lost was sent again since. */
async function writeShard(
  services: Services,
  { shard: source, index }: IndexedShard,
  last: LastRounds,
  place: { token: string; round: number; shard: number },
): Promise<ShardRecord | null> {
  const lines = await readIndex(services.objects, source);
  const encoder = new LineIndexEncoder();
  let lineCount = 0;
  for (let position = 0; position < index.length; position += 1) {
    const { lost, ordinal } = index.entry(position);
    if (!lost || !last.isLast(ordinal, source.round)) continue;
    encoder.add(lines.entry(position));
    lineCount += 1;
  }
  if (lineCount === 0) return null;
  const indexKey = shardWorkKey(source.batchId, place.token, place.round, place.shard, 'lines.index');
  const writer = services.objects.writer(indexKey, { contentType: 'application/octet-stream' });
  await writer.write(encoder.take());
  await writer.close();
  const { set, round, shard } = source;
  return {
    ...newShard({ ...source, round: place.round, set: place.token, shard: place.shard, lineCount, indexKey }),
    status: 'ended',
    providerBatchId: source.providerBatchId,
    providerStatus: source.providerStatus,
    submittedAtMs: source.submittedAtMs,
    endedAtMs: source.endedAtMs,
    end: source.end,
    rereads: source.rereads ?? { set, round, shard },
  };
}
