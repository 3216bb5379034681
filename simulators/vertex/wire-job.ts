import type { BatchView } from '../batch-ledger.ts';
import { type BatchPlan, type BatchRecord, faultOf } from '../batch-record.ts';
import { doneLinesAt, type Ending, phaseAt } from '../batch-timeline.ts';
import { type JsonObject, parseJson } from '../json.ts';

const stateByEnding: Record<Ending, string> = {
  completed: 'JOB_STATE_SUCCEEDED',
  failed: 'JOB_STATE_FAILED',
  expired: 'JOB_STATE_EXPIRED',
  cancelled: 'JOB_STATE_CANCELLED',
};

/** INVALID_ARGUMENT in google/rpc/code.proto. */
const invalidArgument = 3;

/** A job as Vertex writes it, with counts as strings. */
export function wireJob(view: BatchView, nowMs: number): JsonObject {
  const { record, planned, sums } = view;
  const phase = planned ? phaseAt(record, planned.timeline, planned.plan, nowMs) : 'validating';
  // Its time has come, but its results are still being written.
  const isOver = phase === 'ended' && planned !== null && (sums !== null || planned.timeline.ending === 'failed');
  const ending = isOver ? planned.timeline.ending : null;
  const endsAtMs = planned?.timeline.endsAtMs ?? nowMs;
  const failure = ending === 'failed' ? planned?.plan.errors[0] : undefined;
  const created = record.metadata ?? {};
  return {
    name: jobName(record),
    displayName: created.displayName,
    model: created.modelName,
    inputConfig: { instancesFormat: 'jsonl', gcsSource: { uris: [record.inputFileId] } },
    outputConfig: { predictionsFormat: 'jsonl', gcsDestination: { outputUriPrefix: created.outputUriPrefix } },
    labels: parseJson(created.labels ?? '{}'),
    createTime: new Date(record.createdAtMs).toISOString(),
    updateTime: new Date(nowMs).toISOString(),
    ...(ending && { endTime: new Date(endsAtMs).toISOString() }),
    ...(ending && sums?.outputBytes != null && { outputInfo: { gcsOutputDirectory: outputDirectory(record) } }),
    ...(planned && phase !== 'validating' && { completionStats: statsOf(record, planned.plan, nowMs) }),
    ...(failure && { error: { code: invalidArgument, message: failure.message } }),
    state: ending ? stateByEnding[ending] : runningState(record, phase),
  };
}

export function jobName({ id, metadata }: BatchRecord): string {
  return `${metadata?.parent}/batchPredictionJobs/${id}`;
}

export function outputDirectory({ id, metadata }: BatchRecord): string {
  return `${metadata?.outputUriPrefix}/prediction-model-${id}`;
}

function runningState(record: BatchRecord, phase: string): string {
  if (phase === 'validating') return 'JOB_STATE_PENDING';
  if (phase === 'cancelling') return 'JOB_STATE_CANCELLING';
  return faultOf(record, 'unknown_status')?.status ?? 'JOB_STATE_RUNNING';
}

function statsOf(record: BatchRecord, plan: BatchPlan, nowMs: number): JsonObject {
  const done = doneLinesAt(record, plan, nowMs);
  const failed = plan.failingPositions.filter((position) => position < done).length;
  return {
    ...(done > failed && { successfulCount: String(done - failed) }),
    ...(failed > 0 && { failedCount: String(failed) }),
    ...(plan.total > done && { incompleteCount: String(plan.total - done) }),
  };
}
