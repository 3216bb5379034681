import type { BatchRecord } from '../../records/batch.ts';
import { messageOf, StaleEpochError, safeText, WriteConflictError } from '../../records/errors.ts';
import type { ShardRecord } from '../../records/shard.ts';
import { countFailure, fails, failsNow } from '../../records/step-failures.ts';
import type { Services } from '../services.ts';

/** A step that threw: of a batch, or of one of its shards. */
export interface FailedStep {
  step: string;
  batchId: string;
  shard?: number | undefined;
}

/** How long an action may be due before it counts as overdue: the machine repeats a step within minutes. */
const overdueMs = 30 * 60 * 1_000;
/** The state machine takes so many shards a turn. Where more wait and others move, they wait for their turn, not for a repair. */
const shardsOfOneTurn = 40;

/** Counts a failed step in its record, for the sweep to see. Never throws: the step's own error is the one to be told. */
export async function noteFailure(
  services: Services,
  { step, batchId, shard }: FailedStep,
  error: unknown,
): Promise<void> {
  if (error instanceof StaleEpochError || error instanceof WriteConflictError) return;
  const nowMs = services.now();
  const counted = <Counted extends BatchRecord | ShardRecord>(current: Counted): Counted => ({
    ...current,
    failures: countFailure(current.failures, step, nowMs),
  });
  try {
    if (shard === undefined) {
      await services.records.updateBatch(batchId, counted);
      return;
    }
    const set = (await services.records.getBatch(batchId)).rounds.at(-1)?.token;
    if (set !== undefined) await services.records.updateShard({ batchId, set, shard }, counted);
  } catch (cause) {
    services.log.warn('A failed step could not be counted.', { batchId, step, error: safeText(messageOf(cause)) });
  }
}

/** What keeps a batch from its end, in numbers for the alarms. */
export interface Trouble {
  /** Shards, and the batch itself, whose step failed five times in a row. */
  failing: number;
  /** Shards whose next action has been due for half an hour, and nobody took it. */
  overdue: number;
}

/** Looks at the shards of an unfinished batch. Waiting for a provider, or for a place at one, is no trouble. */
export async function troubleOf(services: Services, batch: BatchRecord): Promise<Trouble> {
  const set = batch.rounds.at(-1)?.token;
  const shards = set === undefined ? [] : await services.records.listShards(batch.id, set);
  const nowMs = services.now();
  const failing = shards.filter((shard) => fails(shard.failures)).length + (failsNow(batch.failures, nowMs) ? 1 : 0);
  const due = shards.flatMap((shard) => dueMs(shard) ?? []);
  const isInTurn = due.length > shardsOfOneTurn && shards.some((shard) => nowMs - lastTouchedMs(shard) <= overdueMs);
  const overdue = isInTurn ? 0 : due.filter((sinceMs) => nowMs - sinceMs > overdueMs).length;
  if (failing + overdue > 0) services.log.warn('A batch does not get on.', { batchId: batch.id, failing, overdue });
  return { failing, overdue };
}

/** When a step last did something with a shard, as far as its record tells; later than now where it was put off. */
function lastTouchedMs({ submittedAtMs, endedAtMs, collectedAtMs, intent, notBeforeMs }: ShardRecord): number {
  return Math.max(submittedAtMs ?? 0, endedAtMs ?? 0, collectedAtMs ?? 0, intent?.startedAtMs ?? 0, notBeforeMs);
}

/** Since when one of our steps is due for a shard; null while it waits for its provider, or for nothing. */
function dueMs(shard: ShardRecord): number | null {
  switch (shard.status) {
    case 'pending':
      return shard.notBeforeMs > 0 ? shard.notBeforeMs : null;
    case 'submitting':
      return shard.intent === null ? null : Math.max(shard.intent.leaseUntilMs, shard.notBeforeMs);
    case 'ended':
      return shard.endedAtMs === null ? null : Math.max(shard.endedAtMs, shard.notBeforeMs);
    case 'submitted':
    case 'collected':
    case 'split':
      return null;
  }
}
