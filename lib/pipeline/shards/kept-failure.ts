import { messageOf, StaleEpochError, safeText, WriteConflictError } from '../../records/errors.ts';
import { deferralSeconds } from '../../records/schedule.ts';
import { noteFailure, type ShardRecord } from '../../records/shard.ts';
import { countRefusedKey } from '../metrics.ts';
import type { Services } from '../services.ts';

/**
 * Runs a step's work on one shard. Whatever goes wrong is written into the shard's record, which waits before the work is
 * tried again: longer each time, so that a refused key or a fault that nobody expected does not become a loop.
 *
 * @throws StaleEpochError, WriteConflictError, and the error itself where it could not be written down.
 */
export async function keepFailure(
  services: Services,
  shard: ShardRecord,
  work: () => Promise<ShardRecord>,
): Promise<ShardRecord> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StaleEpochError || error instanceof WriteConflictError) throw error;
    countRefusedKey(services, error);
    const reason = safeText(messageOf(error));
    const { batchId, round, shard: number, provider } = shard;
    const name = { batchId, round, shard: number, provider };
    services.log.error('The work on a shard failed; it is tried again after a pause.', { ...name, error: reason });
    return services.records.updateShard(shard, (current) => {
      const pauseSeconds = deferralSeconds(current.deferrals, services.config.polling.minSeconds, null);
      return noteFailure(current, services.now() + pauseSeconds * 1_000, reason);
    });
  }
}
