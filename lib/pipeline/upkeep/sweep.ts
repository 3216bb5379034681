import { type BatchRecord, dueAt, isSettled } from '../../records/batch.ts';
import { messageOf, NotFoundError, safeText } from '../../records/errors.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { continueAsNew } from '../continue-as-new.ts';
import { inParallel } from '../parallel.ts';
import type { Services, StepContext } from '../services.ts';
import { takeUpLostDrops } from './lost-drops.ts';
import { removeDue } from './removals.ts';
import { type Trouble, troubleOf } from './step-failures.ts';
import { removeOldWork } from './work-removal.ts';

/** A batch so young may be between its record and its execution. */
const graceMs = 30_000;
/** An execution that is alive so long past its batch's deadline does not do its work. */
const lateSeconds = 2 * 60 * 60;

/** Left of a run's time when it stops to remove. */
const stopEarlyMs = 30_000;

/** After an outage thousands may wait to be brought back. */
const batchesAtATime = 10;

export interface SweepAnswer {
  unfinished: number;
  restarted: number;
  /** Drops whose event was lost. */
  takenUp: number;
  /** Files and uploads whose bytes were removed. */
  removed: number;
  /** Work objects of ended batches that were removed. */
  removedWork: number;
}

export interface SweepOptions {
  graceMs?: number | undefined;
  /** Nothing else runs, as at a local start: who held a lease died with its process. */
  isAlone?: boolean | undefined;
}

/**
 * Brings back what was lost: every unfinished batch without a live execution, or long past its deadline, gets a new
 * epoch and a new execution, and drops without an event are taken up. And takes away what nobody needs any more.
 *
 * @throws Error, after all else was done, where a drop could not be taken up.
 */
export async function sweep(services: Services, options: SweepOptions, context: StepContext): Promise<SweepAnswer> {
  const answer = { unfinished: 0, restarted: 0, takenUp: 0, removed: 0, removedWork: 0 };
  const inUse = new Set<string>();
  let isInUseKnown = true;
  let oldestOverdueSeconds = 0;
  const trouble = { failing: 0, overdue: 0 };
  const batchIds = await Array.fromAsync(services.records.unfinishedBatchIds());
  await inParallel(batchesAtATime, batchIds, async (batchId) => {
    if (context.signal.aborted) return;
    answer.unfinished += 1;
    const swept = await sweepOne(services, batchId, options);
    if (!swept.reads) isInUseKnown = false;
    for (const name of swept.reads ?? []) inUse.add(name);
    if (swept.restarted) answer.restarted += 1;
    oldestOverdueSeconds = Math.max(oldestOverdueSeconds, swept.overdueSeconds);
    trouble.failing += swept.failing;
    trouble.overdue += swept.overdue;
  });
  services.metrics.add('UnfinishedBatches', answer.unfinished);
  services.metrics.add('SweepRestarts', answer.restarted);
  services.metrics.add('OldestOverdueSeconds', oldestOverdueSeconds);
  services.metrics.add('FailingShards', trouble.failing);
  services.metrics.add('OverdueShards', trouble.overdue);
  const lost = await takeUpLostDrops(services, context.signal);
  answer.takenUp = lost.takenUp;
  const mustStop = () => context.signal.aborted || context.remainingMs() < stopEarlyMs;
  if (isInUseKnown && !mustStop()) answer.removed = await removeDue(services, inUse, mustStop);
  answer.removedWork = await removeOldWork(services, mustStop);
  services.log.info('Swept the unfinished batches.', { ...answer });
  if (lost.failures.length > 0) throw lost.failures[0];
  return answer;
}

interface Swept extends Trouble {
  restarted: boolean;
  /** Past its deadline; 0 before it. */
  overdueSeconds: number;
  /** Its file and objects; null where its record could not be read. */
  reads: readonly string[] | null;
}

const nothingToDo = { restarted: false, overdueSeconds: 0, failing: 0, overdue: 0 };

/** One batch's trouble is its own. */
async function sweepOne(services: Services, batchId: string, options: SweepOptions): Promise<Swept> {
  let reads: Swept['reads'] = null;
  try {
    const batch = await services.records.getBatch(batchId);
    // Its results, too: a batch whose lost answers are collected again merges them anew.
    const files = [batch.inputFileId, batch.outputFileId, batch.errorFileId].filter((id) => id !== null);
    reads = [...files, ...batch.input.map(({ key }) => key)];
    return { ...(await examine(services, batch, options)), reads };
  } catch (error) {
    if (error instanceof NotFoundError) return { ...nothingToDo, reads: [] };
    services.log.error('A batch could not be swept.', { batchId, error: safeText(messageOf(error)) });
    return { ...nothingToDo, reads };
  }
}

async function examine(services: Services, batch: BatchRecord, options: SweepOptions): Promise<Omit<Swept, 'reads'>> {
  if (isSettled(batch)) return nothingToDo;
  const nowMs = services.now();
  if (nowMs < batch.createdAt * 1_000 + (options.graceMs ?? graceMs)) return nothingToDo;
  const overdueSeconds = Math.max(0, Math.floor(nowMs / 1_000) - dueAt(batch));
  const isOverdue = overdueSeconds > lateSeconds * (batch.epoch + 1);
  if (!isOverdue && (await services.executions.isRunning(batch.id, batch.epoch)))
    return { restarted: false, overdueSeconds, ...(await troubleOf(services, batch)) };
  services.log.warn('A batch had no live execution; it goes on in a new one.', {
    batchId: batch.id,
    epoch: batch.epoch + 1,
    isOverdue,
  });
  if (options.isAlone) await releaseLeases(services, batch);
  await continueAsNew(services, batch);
  return { ...nothingToDo, restarted: true, overdueSeconds };
}

async function releaseLeases(services: Services, batch: BatchRecord): Promise<void> {
  const set = batch.rounds.at(-1)?.token;
  const shards = set === undefined ? [] : await services.records.listShards(batch.id, set);
  for (const shard of shards)
    await services.records.updateShard(shard, (current) => releaseLease(current, services.now()));
}

function releaseLease(shard: ShardRecord, nowMs: number): ShardRecord {
  if (shard.live?.lease) return { ...shard, live: { ...shard.live, lease: null } };
  if (shard.status !== 'submitting' || !shard.intent) return shard;
  return { ...shard, intent: { ...shard.intent, leaseUntilMs: nowMs } };
}
