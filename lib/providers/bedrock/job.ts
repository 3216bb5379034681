import { z } from 'zod';
import { safeText } from '../../core/errors.ts';
import type { ProviderBatch, ProviderPhase } from '../provider.ts';

const count = z.number().int().nonnegative().nullish();

/** What we read of a job. Source: @aws-sdk/client-bedrock 3.1164 `GetModelInvocationJobResponse`. */
export const jobSchema = z.object({
  jobArn: z.string().min(1),
  status: z.string(),
  message: z.string().nullish(),
  totalRecordCount: count,
  successRecordCount: count,
  errorRecordCount: count,
});

export type Job = z.infer<typeof jobSchema>;

// Source: @aws-sdk/client-bedrock 3.1164 `ModelInvocationJobStatus`.
const phaseByStatus = new Map<string, ProviderPhase>([
  ['Submitted', 'validating'],
  ['Validating', 'validating'],
  ['Scheduled', 'validating'],
  ['InProgress', 'in_progress'],
  ['Stopping', 'cancelling'],
  ['Completed', 'completed'],
  ['PartiallyCompleted', 'expired'],
  ['Expired', 'expired'],
  ['Stopped', 'cancelled'],
  ['Failed', 'failed'],
]);

/** What may have results: a job that never began or was refused has none. */
const statusesWithResults: ReadonlySet<string> = new Set(['Completed', 'PartiallyCompleted', 'Stopped']);

/** @param resultRef where the job's output is. */
export function providerBatchFrom(job: Job, resultRef: string): ProviderBatch {
  const known = phaseByStatus.get(job.status);
  const counts = countsOf(job);
  const hasResults = statusesWithResults.has(job.status);
  return {
    providerBatchId: job.jobArn,
    phase: known ?? 'in_progress',
    status: job.status,
    isKnownStatus: known !== undefined,
    counts,
    expectedResults: hasResults && counts ? counts.completed + counts.failed : null,
    resultRefs: hasResults ? [resultRef] : [],
    failure: known === 'failed' ? failureFrom(job) : null,
  };
}

/** Null until Bedrock has counted. */
function countsOf({ totalRecordCount, successRecordCount, errorRecordCount }: Job): ProviderBatch['counts'] {
  if (typeof totalRecordCount !== 'number') return null;
  return { total: totalRecordCount, completed: successRecordCount ?? 0, failed: errorRecordCount ?? 0 };
}

function failureFrom({ message }: Job): ProviderBatch['failure'] {
  return {
    code: 'batch_failed',
    message: safeText(message || 'Bedrock failed the job without saying why.'),
    isQueueFull: false,
  };
}
