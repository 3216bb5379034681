import type { BatchView } from '../batch-ledger.ts';
import { faultOf } from '../batch-record.ts';
import { doneLinesAt, phaseAt } from '../batch-timeline.ts';
import type { JsonObject } from '../json.ts';
import { arnOf, termsOf } from './job-terms.ts';

/** A job as GetModelInvocationJob, and the list, write it. */
export function wireJob(view: BatchView): JsonObject {
  const { record, planned, sums } = view;
  const terms = termsOf(record);
  const status = statusOf(view);
  const isEnded = sums !== null;
  const message = planned?.plan.errors[0]?.message;
  const endsAtMs = planned?.timeline.endsAtMs ?? null;
  return {
    jobArn: arnOf(record.id),
    jobName: terms.jobName,
    modelId: terms.modelId,
    clientRequestToken: terms.clientRequestToken,
    roleArn: terms.roleArn,
    status,
    ...(isEnded && message !== undefined && { message }),
    submitTime: time(record.createdAtMs),
    lastModifiedTime: time(Date.now()),
    ...(isEnded && endsAtMs !== null && { endTime: time(endsAtMs) }),
    inputDataConfig: { s3InputDataConfig: { s3InputFormat: 'JSONL', s3Uri: terms.inputUri } },
    outputDataConfig: { s3OutputDataConfig: { s3Uri: terms.outputUri } },
    timeoutDurationInHours: Number(terms.timeoutHours),
    jobExpirationTime: time(record.createdAtMs + Number(terms.timeoutHours) * 3_600_000),
    modelInvocationType: terms.invocationType,
    ...countsOf(view),
  };
}

function countsOf({ record, planned, sums }: BatchView): JsonObject {
  if (planned === null) return {};
  const done = doneLinesAt(record, planned.plan, Date.now());
  const successRecordCount = sums?.succeeded ?? done;
  const errorRecordCount = sums?.errored ?? 0;
  return {
    totalRecordCount: planned.plan.total,
    processedRecordCount: successRecordCount + errorRecordCount,
    successRecordCount,
    errorRecordCount,
  };
}

const statusByEnding = { failed: 'Failed', completed: 'Completed', cancelled: 'Stopped' } as const;

/** A job has ended once its results lie in the bucket. */
function statusOf({ record, planned, sums }: BatchView): string {
  if (planned === null) return 'Submitted';
  if (sums !== null) {
    const { ending, doneLines } = planned.timeline;
    if (ending === 'expired') return doneLines > 0 ? 'PartiallyCompleted' : 'Expired';
    return statusByEnding[ending];
  }
  const phase = phaseAt(record, planned.timeline, planned.plan, Date.now());
  switch (phase) {
    case 'validating':
      return 'Validating';
    case 'cancelling':
      return 'Stopping';
    case 'in_progress':
    case 'finalizing':
      return faultOf(record, 'unknown_status')?.status ?? 'InProgress';
    case 'ended':
      return record.cancelRequestedAtMs === null ? 'InProgress' : 'Stopping';
  }
}

function time(momentMs: number): string {
  return new Date(momentMs).toISOString();
}
