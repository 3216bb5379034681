import {
  messageOf,
  ProviderAuthenticationError,
  StaleEpochError,
  safeText,
  TransientError,
  WriteConflictError,
} from '../../records/errors.ts';
import { deferralSeconds } from '../../records/schedule.ts';
import { noteFailure, type ShardRecord } from '../../records/shard.ts';
import { countFailure, type StepFailures } from '../../records/step-failures.ts';
import { countRefusedKey } from '../metrics.ts';
import type { Services } from '../services.ts';

/**
 * Runs a step's work on one shard. Whatever goes wrong is written into the shard's record, which waits before the work is
 * tried again: longer each time, so that a refused key or a fault that nobody expected does not become a loop. The step itself ends
 * well, so what does not pass by itself is also counted for the alarm, until the work succeeds.
 *
 * @param step the function's name.
 * @throws StaleEpochError, WriteConflictError, and the error itself where it could not be written down.
 */
export async function keepFailure(
  services: Services,
  step: 'submit' | 'collect',
  shard: ShardRecord,
  work: () => Promise<ShardRecord>,
): Promise<ShardRecord> {
  try {
    const after = await work();
    const { failures } = shard;
    if (failures === null || after.failures?.lastAtMs !== failures.lastAtMs) return after;
    return await services.records.updateShard(shard, (current) => ({ ...current, failures: null }));
  } catch (error) {
    if (error instanceof StaleEpochError || error instanceof WriteConflictError) throw error;
    countRefusedKey(services, error);
    const reason = safeText(messageOf(error));
    const { batchId, round, shard: number, provider } = shard;
    const name = { batchId, round, shard: number, provider };
    services.log.error('The work on a shard failed; it is tried again after a pause.', { ...name, error: reason });
    return services.records.updateShard(shard, (current) => {
      const pauseSeconds = deferralSeconds(current.deferrals, services.config.polling.minSeconds, null);
      const nowMs = services.now();
      const noted = noteFailure(current, { reason, notBeforeMs: nowMs + pauseSeconds * 1_000, nowMs });
      return { ...noted, failures: failuresAfter(services, current, step, error) ?? current.failures };
    });
  }
}

/**
 * Counts what a step wrote down as its failure. A provider or AWS that fails for now is waited for, and a refused key has an alarm of
 * its own: neither counts, and the step did reach them.
 */
export function failuresAfter(
  services: Services,
  shard: ShardRecord,
  step: 'submit' | 'collect',
  error: unknown,
): StepFailures | null {
  if (error instanceof TransientError || error instanceof ProviderAuthenticationError) return null;
  return countFailure(shard.failures, step, services.now());
}
