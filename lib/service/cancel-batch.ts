import { inParallel } from '../pipeline/parallel.ts';
import type { Services } from '../pipeline/services.ts';
import { writeStatus } from '../pipeline/status-file.ts';
import { type BatchRecord, beginCancelling as cancelled } from '../records/batch.ts';
import { messageOf, safeText } from '../records/errors.ts';
import { cancelledEnd, endShard, type ShardRecord } from '../records/shard.ts';

/** How long shards are cancelled within a call: a client waits for its answer, and the gateway waits 30 seconds. */
const shardsMs = 5_000;

/**
 * Cancels a batch: first its status, then its shards. What was not sent yet ends at once; what was sent is cancelled at
 * its provider, and what finished there is still collected. Of many shards, the next polls cancel those that are not reached
 * within five seconds. The execution goes on and ends the batch.
 *
 * @throws ConflictError for a batch that has completed, failed or expired; NotFoundError.
 */
export async function cancelBatch(services: Services, batchId: string, signal: AbortSignal): Promise<BatchRecord> {
  const batch = await services.records.updateBatch(batchId, (current) =>
    cancelled(current, Math.floor(services.now() / 1_000)),
  );
  if (batch.status === 'cancelling') {
    const set = batch.rounds.at(-1)?.token;
    const shards = set === undefined ? [] : await services.records.listShards(batchId, set);
    const endsAt = services.now() + shardsMs;
    await inParallel(8, shards, async (shard) => {
      if (services.now() < endsAt) await cancelShard(services, shard, signal);
    });
    await writeStatus(services, batchId);
  }
  return batch;
}

async function cancelShard(services: Services, shard: ShardRecord, signal: AbortSignal): Promise<void> {
  const after = await services.records.updateShard(shard, (current) =>
    current.status === 'pending' ? endShard(current, cancelledEnd, services.now()) : current,
  );
  // A live slice looks at its batch by itself.
  if (after.live) return;
  if (after.status !== 'submitted' || after.provider === null || after.providerBatchId === null) return;
  try {
    await services.account(after.provider).client.cancel(after.providerBatchId, signal);
  } catch (error) {
    const message = safeText(messageOf(error));
    services.log.warn('A provider did not take a cancellation; the next poll asks again.', {
      batchId: shard.batchId,
      error: message,
    });
  }
}
