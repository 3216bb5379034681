import type { BatchView } from '../batch-ledger.ts';
import { type BatchPlan, type BatchRecord, faultOf } from '../batch-record.ts';
import { doneLinesAt, type Ending, type Phase, phaseAt, type Timeline } from '../batch-timeline.ts';
import type { JsonObject } from '../json.ts';
import { jobLifetimeSeconds } from './limits.ts';

const stateByEnding: Record<Ending, string> = {
  completed: 'JOB_STATE_COMPLETED',
  failed: 'JOB_STATE_FAILED',
  expired: 'JOB_STATE_EXPIRED',
  cancelled: 'JOB_STATE_DELETING_CLEANING_UP',
};

const stateByPhase: Record<Exclude<Phase, 'ended'>, string> = {
  validating: 'JOB_STATE_VALIDATING',
  in_progress: 'JOB_STATE_RUNNING',
  finalizing: 'JOB_STATE_WRITING_RESULTS',
  cancelling: 'JOB_STATE_DELETING_CLEANING_UP',
};

/** A job as Fireworks writes it. */
export function wireJob(view: BatchView, nowMs: number): JsonObject {
  const { record, planned } = view;
  const state = stateAt(view, nowMs);
  const created = record.metadata ?? {};
  return {
    name: jobName(record),
    displayName: created.displayName,
    createTime: timeOf(record.createdAtMs),
    createdBy: 'user@example.com',
    expireTime: timeOf(record.createdAtMs + jobLifetimeSeconds * 1000),
    updateTime: timeOf(nowMs),
    state,
    status: statusOf(planned?.plan, state),
    model: record.model,
    inputDatasetId: record.inputFileId,
    outputDatasetId: outputDatasetName(record),
    inferenceParameters: { extraBody: '{}' },
    precision: 'PRECISION_UNSPECIFIED',
    jobProgress: planned === null ? null : progressOf(view, planned.plan, planned.timeline, nowMs),
    continuedFromJobName: '',
  };
}

/** A job whose time has come, but whose results are still being written, is not ended yet. */
function stateAt({ record, planned, sums }: BatchView, nowMs: number): string {
  if (planned === null) return record.cancelRequestedAtMs === null ? stateByPhase.validating : stateByPhase.cancelling;
  const { plan, timeline } = planned;
  const phase = phaseAt(record, timeline, plan, nowMs);
  const fault = faultOf(record, 'unknown_status');
  if (phase === 'in_progress' && fault !== undefined) return fault.status;
  if (phase !== 'ended') return stateByPhase[phase];
  const isOver = sums !== null || timeline.ending === 'failed';
  return isOver ? stateByEnding[timeline.ending] : stateByPhase.finalizing;
}

function statusOf(plan: BatchPlan | undefined, state: string): JsonObject {
  const [error] = state === stateByEnding.failed ? (plan?.errors ?? []) : [];
  return { code: error?.code ?? 'OK', message: error?.message ?? '' };
}

function progressOf({ record, sums }: BatchView, plan: BatchPlan, timeline: Timeline, nowMs: number): JsonObject {
  const hasStarted = timeline.workStartsAtMs !== null && nowMs >= timeline.workStartsAtMs;
  const done = hasStarted ? doneLinesAt(record, plan, nowMs) : 0;
  const failed = plan.failingPositions.filter((position) => position < done).length;
  return {
    percent: plan.total === 0 ? 0 : Math.floor((100 * done) / plan.total),
    epoch: 0,
    totalInputRequests: hasStarted ? Number(record.metadata?.exampleCount ?? 0) : 0,
    totalProcessedRequests: done,
    successfullyProcessedRequests: done - failed,
    failedRequests: failed,
    outputRows: sums?.succeeded ?? 0,
    inputTokens: sums?.inputTokens ?? 0,
    outputTokens: sums?.outputTokens ?? 0,
    cachedInputTokenCount: sums?.cachedTokens ?? 0,
  };
}

export function accountOf(record: BatchRecord): string {
  return record.metadata?.account ?? '';
}

export function jobName(record: BatchRecord): string {
  return `accounts/${accountOf(record)}/batchInferenceJobs/${record.id}`;
}

export function outputDatasetName(record: BatchRecord): string {
  return record.metadata?.outputDatasetId ?? '';
}

function timeOf(momentMs: number): string {
  return new Date(momentMs).toISOString();
}
