import { isGone } from '../pipeline/gone-files.ts';
import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import { NotFoundError } from '../records/errors.ts';
import { endedAt, workKeptUntil } from '../records/retention.ts';

export interface ShardPosition {
  round: number;
  /** Within the round. */
  shard: number;
}

/**
 * Where the answers of one collected shard can be read while others run. An answered request is never sent again, so
 * what stands there is part of the batch's output whatever comes. Once the batch has ended, they are kept as long as its
 * work, and no longer than its output.
 *
 * @throws NotFoundError for a shard that is not there, was not collected yet, has no answers, or is not kept any more.
 */
export async function shardOutputUrl(services: Services, batch: BatchRecord, position: ShardPosition): Promise<string> {
  const set = batch.rounds[position.round]?.token;
  const shard =
    set === undefined ? null : await services.records.findShard({ batchId: batch.id, set, shard: position.shard });
  const key = shard?.result?.outputKey;
  if (!key || !(await isKept(services, batch)))
    throw new NotFoundError(
      `Batch '${batch.id}' has no answers of shard ${position.shard} in round ${position.round}.`,
    );
  return services.objects.presignedUrl({ bucket: services.objects.bucket, key });
}

async function isKept(services: Services, batch: BatchRecord): Promise<boolean> {
  if (await isGone(services, batch.outputFileId)) return false;
  const ended = endedAt(batch);
  return ended === null || services.now() < workKeptUntil(ended, services.config.workKeepDays) * 1_000;
}
