import { isGone } from '../pipeline/gone-files.ts';
import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import { NotFoundError } from '../records/errors.ts';
import { settledAt, workKeptUntil } from '../records/retention.ts';
import { type Download, downloadOf } from './download.ts';

export interface ShardPosition {
  round: number;
  /** Within the round. */
  shard: number;
}

/**
 * The answers of one collected shard, or where they can be read, while other shards run. An answered request is never sent
 * again, so what stands there is part of the batch's output whatever comes. Once the batch has ended, they are kept as long as
 * its work, and no longer than its output.
 *
 * @param maxBytes that an answer may carry.
 * @throws NotFoundError for a shard that is not there, was not collected yet, has no answers, or is not kept any more.
 */
export async function shardOutput(
  services: Services,
  batch: BatchRecord,
  position: ShardPosition,
  maxBytes: number,
): Promise<Download> {
  const set = batch.rounds[position.round]?.token;
  const shard =
    set === undefined ? null : await services.records.findShard({ batchId: batch.id, set, shard: position.shard });
  const { outputKey: key = null, outputBytes: bytes = 0 } = shard?.result ?? {};
  if (key === null || !(await isKept(services, batch)))
    throw new NotFoundError(
      `Batch '${batch.id}' has no answers of shard ${position.shard} in round ${position.round}.`,
    );
  const filename = `${batch.id}_${position.round}-${position.shard}_output.jsonl`;
  return downloadOf(services, { bucket: services.objects.bucket, key, bytes }, filename, maxBytes);
}

async function isKept(services: Services, batch: BatchRecord): Promise<boolean> {
  if (await isGone(services, batch.outputFileId)) return false;
  const ended = settledAt(batch);
  return ended === null || services.now() < workKeptUntil(ended, services.config.workKeepDays) * 1_000;
}
