import type { BatchView, ResultSums } from '../batch-ledger.ts';
import type { BatchPlan, BatchRecord } from '../batch-record.ts';
import { faultOf } from '../batch-record.ts';
import { doneLinesAt, type Ending, type Phase, phaseAt, type Timeline } from '../batch-timeline.ts';
import type { JsonObject } from '../json.ts';
import { batchLifetimeSeconds } from './limits.ts';
import { snapshotOf } from './model-snapshots.ts';
import { resultFileId } from './result-files.ts';

/** The batch object as OpenAI writes it. Times are unix seconds; unset fields are null. */
export function wireBatch(view: BatchView, nowMs: number): JsonObject {
  const { record, planned } = view;
  return {
    id: record.id,
    object: 'batch',
    endpoint: record.endpoint,
    model: planned === null || planned.plan.model === null ? null : snapshotOf(planned.plan.model),
    errors: wireErrors(view, nowMs),
    input_file_id: record.inputFileId,
    completion_window: '24h',
    ...(planned === null ? wireUnplanned(record) : wirePlanned(view, planned.plan, planned.timeline, nowMs)),
    usage: wireUsage(view.sums),
    metadata: record.metadata,
  };
}

function wireErrors(view: BatchView, nowMs: number): JsonObject | null {
  const errors = view.planned?.plan.errors ?? [];
  const hasFailed =
    view.planned !== null && statusAt(view, view.planned.plan, view.planned.timeline, nowMs) === 'failed';
  return hasFailed ? { object: 'list', data: errors } : null;
}

function wireUnplanned(record: BatchRecord): JsonObject {
  return {
    status: record.cancelRequestedAtMs === null ? 'validating' : 'cancelling',
    output_file_id: null,
    error_file_id: null,
    created_at: seconds(record.createdAtMs),
    in_progress_at: null,
    expires_at: seconds(record.createdAtMs) + batchLifetimeSeconds,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: record.cancelRequestedAtMs === null ? null : seconds(record.cancelRequestedAtMs),
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
  };
}

function wirePlanned(view: BatchView, plan: BatchPlan, timeline: Timeline, nowMs: number): JsonObject {
  const { record, sums } = view;
  const status = statusAt(view, plan, timeline, nowMs);
  const endedAs = (ending: Ending) => (status === ending ? secondsOrNull(timeline.endsAtMs) : null);
  return {
    ...wireUnplanned(record),
    status: shownStatus(record, status),
    output_file_id: sums === null || sums.outputBytes === null ? null : resultFileId(record.id, 'output'),
    error_file_id: sums === null || sums.errorBytes === null ? null : resultFileId(record.id, 'error'),
    in_progress_at: passed(timeline.workStartsAtMs, nowMs),
    finalizing_at: passed(timeline.finalizingAtMs, nowMs),
    completed_at: endedAs('completed'),
    failed_at: endedAs('failed'),
    expired_at: endedAs('expired'),
    cancelled_at: endedAs('cancelled'),
    request_counts: wireCounts(record, plan, timeline, nowMs),
  };
}

/** The status; a batch whose time has come but whose results are still being written is not ended yet. */
function statusAt(
  view: BatchView,
  plan: BatchPlan,
  timeline: Timeline,
  nowMs: number,
): Ending | Exclude<Phase, 'ended'> {
  const phase = phaseAt(view.record, timeline, plan, nowMs);
  if (phase !== 'ended') return phase;
  if (view.sums !== null || timeline.ending === 'failed') return timeline.ending;
  return timeline.ending === 'cancelled' ? 'cancelling' : 'finalizing';
}

function shownStatus(record: BatchRecord, status: string): string {
  const fault = faultOf(record, 'unknown_status');
  return fault !== undefined && status === 'in_progress' ? fault.status : status;
}

function wireCounts(record: BatchRecord, plan: BatchPlan, timeline: Timeline, nowMs: number): JsonObject {
  if (timeline.workStartsAtMs === null || nowMs < timeline.workStartsAtMs) return { total: 0, completed: 0, failed: 0 };
  const done = doneLinesAt(record, plan, nowMs);
  const failed = countBelow(plan.failingPositions, done);
  return { total: plan.total, completed: done - failed, failed };
}

function wireUsage(sums: ResultSums | null): JsonObject {
  const inputTokens = sums?.inputTokens ?? 0;
  const outputTokens = sums?.outputTokens ?? 0;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: sums?.cachedTokens ?? 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: sums?.reasoningTokens ?? 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

/** How many of the ascending numbers are below the limit. */
function countBelow(ascending: number[], limit: number): number {
  const index = ascending.findIndex((number) => number >= limit);
  return index === -1 ? ascending.length : index;
}

function passed(momentMs: number | null, nowMs: number): number | null {
  return momentMs !== null && nowMs >= momentMs ? seconds(momentMs) : null;
}

function secondsOrNull(momentMs: number | null): number | null {
  return momentMs === null ? null : seconds(momentMs);
}

function seconds(momentMs: number): number {
  return Math.floor(momentMs / 1000);
}
