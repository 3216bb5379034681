import { type BatchPlan, type BatchRecord, faultOf } from './batch-record.ts';

export type Ending = 'failed' | 'completed' | 'expired' | 'cancelled';
export type Phase = 'validating' | 'in_progress' | 'finalizing' | 'cancelling' | 'ended';

/** A batch's whole life as a function of what is stored: no timer, no other state. Times in milliseconds. */
export interface Timeline {
  /** Null: it was cancelled, or failed, while being validated. */
  workStartsAtMs: number | null;
  finalizingAtMs: number | null;
  /** Null: stuck. */
  endsAtMs: number | null;
  ending: Ending;
  /** Lines that are done when it ends. */
  doneLines: number;
}

export function timelineOf(record: BatchRecord, plan: BatchPlan): Timeline {
  const natural = naturalTimeline(record, plan);
  const cancelledAtMs = record.cancelRequestedAtMs;
  if (cancelledAtMs === null || isReached(natural.endsAtMs, cancelledAtMs)) return natural;
  const started = cancelledAtMs >= plan.validatedAtMs;
  return {
    workStartsAtMs: started ? natural.workStartsAtMs : null,
    finalizingAtMs: started && isReached(natural.finalizingAtMs, cancelledAtMs) ? natural.finalizingAtMs : null,
    endsAtMs: cancelledAtMs + record.timing.finalizingMs + (faultOf(record, 'slow_cancel')?.delayMs ?? 0),
    ending: 'cancelled',
    doneLines: started ? doneLinesBy(record, plan, cancelledAtMs) : 0,
  };
}

function naturalTimeline(record: BatchRecord, plan: BatchPlan): Timeline {
  if (plan.errors.length > 0) {
    return {
      workStartsAtMs: null,
      finalizingAtMs: null,
      endsAtMs: plan.validatedAtMs,
      ending: 'failed',
      doneLines: 0,
    };
  }
  const isStuck = faultOf(record, 'stuck') !== undefined;
  const finalizingAtMs = plan.validatedAtMs + workMs(record);
  const expires = faultOf(record, 'expired') !== undefined || faultOf(record, 'partial') !== undefined;
  return {
    workStartsAtMs: plan.validatedAtMs,
    finalizingAtMs: isStuck ? null : finalizingAtMs,
    endsAtMs: isStuck ? null : finalizingAtMs + record.timing.finalizingMs,
    ending: expires ? 'expired' : 'completed',
    doneLines: Math.floor(plan.total * reachedFraction(record)),
  };
}

/** Lines done at a moment: grows evenly over the time of work, and stops when the batch is cancelled. */
export function doneLinesAt(record: BatchRecord, plan: BatchPlan, atMs: number): number {
  if (plan.errors.length > 0) return 0;
  return doneLinesBy(record, plan, Math.min(atMs, record.cancelRequestedAtMs ?? atMs));
}

export function phaseAt(record: BatchRecord, timeline: Timeline, plan: BatchPlan, atMs: number): Phase {
  if (isReached(timeline.endsAtMs, atMs)) return 'ended';
  if (record.cancelRequestedAtMs !== null) return 'cancelling';
  if (atMs < plan.validatedAtMs) return 'validating';
  return isReached(timeline.finalizingAtMs, atMs) ? 'finalizing' : 'in_progress';
}

function doneLinesBy(record: BatchRecord, plan: BatchPlan, atMs: number): number {
  const duration = workMs(record);
  const elapsed = atMs - plan.validatedAtMs;
  if (elapsed < 0) return 0;
  const progress = duration === 0 ? 1 : Math.min(1, elapsed / duration);
  return Math.floor(plan.total * reachedFraction(record) * progress);
}

function workMs(record: BatchRecord): number {
  return record.timing.inProgressMs + (faultOf(record, 'slow')?.delayMs ?? 0);
}

function reachedFraction(record: BatchRecord): number {
  if (faultOf(record, 'expired') !== undefined) return 0;
  if (faultOf(record, 'stuck') !== undefined) return 0.5;
  return faultOf(record, 'partial')?.fraction ?? 1;
}

function isReached(momentMs: number | null, atMs: number): boolean {
  return momentMs !== null && atMs >= momentMs;
}
