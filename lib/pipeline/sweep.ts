import { type BatchRecord, isTerminal } from '../core/batch.ts';
import { messageOf, NotFoundError, safeText } from '../core/errors.ts';
import { continueAsNew } from './continue-as-new.ts';
import type { Services, StepContext } from './services.ts';

/** A batch so young may be between its record and its execution. */
const graceMs = 30_000;
/** An execution that is alive so long past its batch's deadline does not do its work. */
const lateSeconds = 2 * 60 * 60;

export interface SweepAnswer {
  unfinished: number;
  restarted: number;
}

export interface SweepOptions {
  graceMs?: number | undefined;
  /** Nothing else runs, as at a local start: who held a lease died with its process. */
  isAlone?: boolean | undefined;
}

/**
 * Brings back what was lost: every unfinished batch without a live execution, or long past its deadline, gets a new
 * epoch and a new execution.
 */
export async function sweep(services: Services, options: SweepOptions, context: StepContext): Promise<SweepAnswer> {
  const answer = { unfinished: 0, restarted: 0 };
  let oldestOverdueSeconds = 0;
  for await (const batchId of services.records.unfinishedBatchIds()) {
    if (context.signal.aborted) break;
    answer.unfinished += 1;
    const swept = await sweepOne(services, batchId, options);
    if (swept.restarted) answer.restarted += 1;
    oldestOverdueSeconds = Math.max(oldestOverdueSeconds, swept.overdueSeconds);
  }
  services.metrics.add('UnfinishedBatches', answer.unfinished);
  services.metrics.add('SweepRestarts', answer.restarted);
  services.metrics.add('OldestOverdueSeconds', oldestOverdueSeconds);
  services.log.info('Swept the unfinished batches.', { ...answer });
  return answer;
}

interface Swept {
  restarted: boolean;
  /** Past its deadline; 0 before it. */
  overdueSeconds: number;
}

const nothingToDo: Swept = { restarted: false, overdueSeconds: 0 };

/** One batch's trouble is its own. */
async function sweepOne(services: Services, batchId: string, options: SweepOptions): Promise<Swept> {
  try {
    return await examine(services, batchId, options);
  } catch (error) {
    if (!(error instanceof NotFoundError))
      services.log.error('A batch could not be swept.', { batchId, error: safeText(messageOf(error)) });
    return nothingToDo;
  }
}

async function examine(services: Services, batchId: string, options: SweepOptions): Promise<Swept> {
  const batch = await services.records.getBatch(batchId);
  if (isTerminal(batch.status) && batch.eventSentAtMs !== null) return nothingToDo;
  const nowMs = services.now();
  if (nowMs < batch.createdAt * 1_000 + (options.graceMs ?? graceMs)) return nothingToDo;
  const overdueSeconds = Math.max(0, Math.floor(nowMs / 1_000) - batch.deadlineAt);
  const isOverdue = overdueSeconds > lateSeconds * (batch.epoch + 1);
  if (!isOverdue && (await services.executions.isRunning(batchId, batch.epoch)))
    return { restarted: false, overdueSeconds };
  services.log.warn('A batch had no live execution; it goes on in a new one.', {
    batchId,
    epoch: batch.epoch + 1,
    isOverdue,
  });
  if (options.isAlone) await releaseLeases(services, batch);
  await continueAsNew(services, batch);
  return { restarted: true, overdueSeconds };
}

async function releaseLeases(services: Services, batch: BatchRecord): Promise<void> {
  const set = batch.rounds.at(-1)?.token;
  const shards = set === undefined ? [] : await services.records.listShards(batch.id, set);
  for (const shard of shards)
    await services.records.updateShard(shard, (current) =>
      current.status === 'submitting' && current.intent
        ? { ...current, intent: { ...current.intent, leaseUntilMs: services.now() } }
        : current,
    );
}
