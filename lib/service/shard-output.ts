import type { Services } from '../pipeline/services.ts';
import type { BatchRecord } from '../records/batch.ts';
import { NotFoundError } from '../records/errors.ts';

export interface ShardPosition {
  round: number;
  /** Within the round. */
  shard: number;
}

/**
 * Where the answers of one collected shard can be read while others run. An answered request is never sent again, so
 * what stands there is part of the batch's output whatever comes.
 *
 * @throws NotFoundError for a shard that is not there, was not collected yet, or has no answers.
 */
export async function shardOutputUrl(services: Services, batch: BatchRecord, position: ShardPosition): Promise<string> {
  const set = batch.rounds[position.round]?.token;
  const shard =
    set === undefined ? null : await services.records.findShard({ batchId: batch.id, set, shard: position.shard });
  const key = shard?.result?.outputKey;
  if (!key)
    throw new NotFoundError(
      `Batch '${batch.id}' has no answers of shard ${position.shard} in round ${position.round}.`,
    );
  return services.objects.presignedUrl({ bucket: services.objects.bucket, key });
}
