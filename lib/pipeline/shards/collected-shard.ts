import { ResultIndex } from '../../lines/line-index.ts';
import type { ShardRecord, ShardResult } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';
import { inParallel } from '../parallel.ts';

/** Indexes read at a time. */
const readsAtATime = 10;

/** A shard whose results are there. */
export interface CollectedShard {
  shard: ShardRecord;
  result: ShardResult;
  /** 9 bytes a line. */
  readIndex(): Promise<ResultIndex>;
}

/** One with its index at hand. */
export interface IndexedShard extends CollectedShard {
  index: ResultIndex;
}

/** @throws Error for a shard that was not collected. */
export function collectedShards(objects: Objects, shards: readonly ShardRecord[]): CollectedShard[] {
  return shards.map((shard) => {
    const { result } = shard;
    if (!result) throw new Error(`Shard ${shard.batchId}/${shard.round}/${shard.shard} was not collected.`);
    return { shard, result, readIndex: async () => new ResultIndex(await objects.readBytes(result.indexKey)) };
  });
}

export async function withIndexes(shards: readonly CollectedShard[]): Promise<IndexedShard[]> {
  return inParallel(readsAtATime, shards, async (shard) => ({ ...shard, index: await shard.readIndex() }));
}
