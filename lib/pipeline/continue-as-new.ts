import { type BatchRecord, isSettled } from '../records/batch.ts';
import type { Services } from './services.ts';

/**
 * Hands a batch to a new execution: raises the epoch by a conditional write, so that the old one can no longer commit,
 * and starts `<batchId>-<epoch>`.
 *
 * @param batch as it was read; where its epoch has moved on since, somebody else did this and nothing happens.
 */
export async function continueAsNew(services: Services, batch: BatchRecord): Promise<void> {
  const epoch = batch.epoch + 1;
  const after = await services.records.updateBatch(batch.id, (current) =>
    current.epoch === batch.epoch && !isSettled(current) ? { ...current, epoch, looks: null } : current,
  );
  if (after.epoch === epoch) await services.executions.start(batch.id, epoch, services.config.polling.minSeconds);
}
