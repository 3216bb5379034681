import type { BatchRecord } from '../records/batch.ts';
import type { BatchEvent } from '../store/events.ts';
import type { Services } from './services.ts';

/** Why a task fails: its error's name is the code, and its cause is all of this as JSON. */
export interface TaskFailure {
  code: string;
  message: string;
  /** Null where the drop never became a batch. */
  batch_id: string | null;
  status: 'failed' | 'cancelled' | 'refused';
}

/**
 * Tells the task that waits for a batch how the batch ended, and notes that it was told. A task that ended meanwhile, by its own
 * time-out say, counts as told.
 *
 * @param detail of the batch's event; the output of a task that succeeds.
 */
export async function answerTask(services: Services, batch: BatchRecord, detail: BatchEvent): Promise<void> {
  if (batch.task === null || batch.task.answeredAtMs !== null) return;
  const { token } = batch.task;
  const failure = failureOf(batch);
  if (failure) await failTask(services, token, failure);
  else noteUnlessWaiting(services, batch.id, await services.tasks.succeed(token, detail));
  const answeredAtMs = services.now();
  await services.records.updateBatch(batch.id, (current) =>
    current.task?.token === token ? { ...current, task: { token, answeredAtMs } } : current,
  );
}

/** Tells a task that what it waits for has failed. */
export async function failTask(services: Services, token: string, failure: TaskFailure): Promise<void> {
  noteUnlessWaiting(
    services,
    failure.batch_id,
    await services.tasks.fail(token, failure.code, JSON.stringify(failure)),
  );
}

function failureOf({ id, status, errors }: BatchRecord): TaskFailure | null {
  switch (status) {
    case 'failed': {
      const { code, message } = errors[0] ?? { code: 'batch_failed', message: 'The batch failed.' };
      return { code, message, batch_id: id, status };
    }
    case 'cancelled':
      return { code: 'batch_cancelled', message: 'The batch was cancelled.', batch_id: id, status };
    case 'completed':
    case 'expired':
      return null;
    case 'validating':
    case 'in_progress':
    case 'finalizing':
    case 'cancelling':
      throw new Error(`${id} has not ended.`);
  }
}

function noteUnlessWaiting({ log }: Services, batchId: string | null, isWaiting: boolean): void {
  if (!isWaiting)
    log.info('The task that waited for a batch has ended already.', { ...(batchId !== null && { batchId }) });
}
