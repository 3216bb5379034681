import { z } from 'zod';
import { safeText } from '../../core/errors.ts';
import type { BatchFields } from '../batch-fields.ts';
import { batchFieldsOf } from '../foreign-batch.ts';
import { bareState, countSchema, secondsOf } from '../google/page.ts';
import type { ProviderBatch, ProviderPhase } from '../provider.ts';

const text = z.string().min(1).nullish().catch(null);

/** What we read of a job. Source: https://docs.cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.batchPredictionJobs */
export const predictionJobSchema = z.object({
  /** `projects/P/locations/L/batchPredictionJobs/N` */
  name: z.string().min(1),
  state: z.string().default('JOB_STATE_UNSPECIFIED'),
  model: text,
  labels: z.record(z.string(), z.string()).nullish().catch(null),
  inputConfig: z
    .object({ gcsSource: z.object({ uris: z.array(z.string()) }).nullish() })
    .nullish()
    .catch(null),
  outputInfo: z.object({ gcsOutputDirectory: text }).nullish().catch(null),
  /** Absent counts are 0, and -1 stands for an unknown one. */
  completionStats: z
    .object({ successfulCount: countSchema, failedCount: countSchema, incompleteCount: countSchema })
    .nullish()
    .catch(null),
  error: z.object({ code: z.number().nullish(), message: z.string().nullish() }).nullish().catch(null),
  createTime: text,
  startTime: text,
  endTime: text,
});

export type PredictionJob = z.infer<typeof predictionJobSchema>;

const phaseByState = new Map<string, ProviderPhase>([
  ['QUEUED', 'validating'],
  ['PENDING', 'validating'],
  ['RUNNING', 'in_progress'],
  ['PAUSED', 'in_progress'],
  ['UPDATING', 'in_progress'],
  ['CANCELLING', 'cancelling'],
  ['SUCCEEDED', 'completed'],
  ['PARTIALLY_SUCCEEDED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['EXPIRED', 'expired'],
]);

/** @returns the directory of its output, once it has ended. */
export function outputDirectory(job: PredictionJob): string | null {
  const phase = phaseByState.get(bareState(job.state));
  const hasEnded = phase !== undefined && !['validating', 'in_progress', 'cancelling'].includes(phase);
  return hasEnded ? (job.outputInfo?.gcsOutputDirectory ?? null) : null;
}

/** @param files of its output; null where it has none. */
export function providerBatchFrom(job: PredictionJob, files: string[] | null): ProviderBatch {
  const known = phaseByState.get(bareState(job.state));
  const phase = known ?? 'in_progress';
  const counts = countsOf(job);
  return {
    providerBatchId: job.name,
    phase,
    status: job.state,
    isKnownStatus: known !== undefined,
    counts,
    // What is counted is paid for, also where there is no sign of it.
    expectedResults: counts && (files || phase === 'completed') ? counts.completed + counts.failed : null,
    resultRefs: files ?? [],
    failure: phase === 'failed' ? failureFrom(job) : null,
  };
}

function countsOf({ completionStats }: PredictionJob): ProviderBatch['counts'] {
  if (!completionStats) return null;
  const { successfulCount, failedCount, incompleteCount } = completionStats;
  return { total: successfulCount + failedCount + incompleteCount, completed: successfulCount, failed: failedCount };
}

/** RESOURCE_EXHAUSTED in google/rpc/code.proto. */
const resourceExhausted = 8;

function failureFrom({ error }: PredictionJob): ProviderBatch['failure'] {
  const isQueueFull = error?.code === resourceExhausted || error?.code === 429;
  return {
    code: isQueueFull ? 'resource_exhausted' : 'batch_failed',
    message: safeText(error?.message || 'Vertex failed the job without saying why.'),
    isQueueFull,
  };
}

/** The job in OpenAI's form. Its results may be several files, so none is named. */
export function batchFieldsFrom(job: PredictionJob): BatchFields {
  return batchFieldsOf({
    ...providerBatchFrom(job, null),
    id: job.name,
    model: job.model?.replace(/^.*\/models\//, '') ?? null,
    inputFileId: job.inputConfig?.gcsSource?.uris[0] ?? null,
    createdAt: secondsOf(job.createTime),
    startedAt: secondsOf(job.startTime),
    endedAt: secondsOf(job.endTime),
  });
}
