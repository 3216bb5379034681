import type { BatchView } from '../batch-ledger.ts';
import { type BatchPlan, type BatchRecord, faultOf } from '../batch-record.ts';
import { doneLinesAt, type Ending, phaseAt } from '../batch-timeline.ts';
import { modelOf } from '../google/batch-calls.ts';
import type { JsonObject } from '../json.ts';

const stateByEnding: Record<Ending, string> = {
  completed: 'BATCH_STATE_SUCCEEDED',
  failed: 'BATCH_STATE_FAILED',
  expired: 'BATCH_STATE_EXPIRED',
  cancelled: 'BATCH_STATE_CANCELLED',
};

/** INVALID_ARGUMENT in google/rpc/code.proto. */
const invalidArgument = 3;

/** The batch as the Gemini API writes it: an operation, with counts as strings and none where they are 0. */
export function wireOperation(view: BatchView, nowMs: number): JsonObject {
  const { record, planned, sums } = view;
  const phase = planned ? phaseAt(record, planned.timeline, planned.plan, nowMs) : 'validating';
  // Its time has come, but its results are still being written.
  const ending =
    phase === 'ended' && planned && (sums !== null || planned.timeline.ending === 'failed')
      ? planned.timeline.ending
      : null;
  const name = batchName(record);
  const endTime = ending && planned?.timeline.endsAtMs ? new Date(planned.timeline.endsAtMs).toISOString() : null;
  const output =
    sums !== null && sums.outputBytes !== null && ending ? { responsesFile: resultFileName(record.id) } : null;
  const failure = ending === 'failed' ? planned?.plan.errors[0] : undefined;
  return {
    name,
    metadata: {
      '@type': 'type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch',
      model: `models/${modelOf(record)}`,
      displayName: record.metadata?.displayName,
      inputConfig: { fileName: record.inputFileId },
      ...(output && { output }),
      createTime: new Date(record.createdAtMs).toISOString(),
      ...(endTime && { endTime }),
      updateTime: endTime ?? new Date(nowMs).toISOString(),
      ...(planned && { batchStats: statsOf(view, planned.plan, nowMs) }),
      state: ending ? stateByEnding[ending] : runningState(view, phase === 'validating'),
      name,
    },
    ...(ending && { done: true }),
    ...(ending === 'completed' &&
      output && {
        response: {
          '@type': 'type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput',
          ...output,
        },
      }),
    ...(failure && { error: { code: invalidArgument, message: failure.message } }),
  };
}

export function batchName({ id }: BatchRecord): string {
  return `batches/${id}`;
}

export function resultFileName(batchId: string): string {
  return `files/batch-${batchId}`;
}

function runningState({ record }: BatchView, isWaiting: boolean): string {
  const fault = faultOf(record, 'unknown_status');
  if (isWaiting) return 'BATCH_STATE_PENDING';
  return fault?.status ?? 'BATCH_STATE_RUNNING';
}

function statsOf({ record }: BatchView, plan: BatchPlan, nowMs: number): JsonObject {
  const done = doneLinesAt(record, plan, nowMs);
  const failed = plan.failingPositions.filter((position) => position < done).length;
  const pending = plan.total - done;
  return {
    requestCount: String(plan.total),
    ...(done > failed && { successfulRequestCount: String(done - failed) }),
    ...(failed > 0 && { failedRequestCount: String(failed) }),
    ...(pending > 0 && { pendingRequestCount: String(pending) }),
  };
}
