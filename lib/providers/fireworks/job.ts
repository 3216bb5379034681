import { z } from 'zod';
import { safeText } from '../../records/errors.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ProviderBatch, ProviderPhase } from '../contract.ts';
import { type BatchFields, batchFieldsSchema } from '../shared/batch-fields.ts';
import { idIn } from './names.ts';

/** Absent where it is 0. */
const count = z.number().int().nonnegative().default(0);
const text = z.string().min(1).nullish().catch(null);

/** What we read of a job. Source: https://docs.fireworks.ai/api-reference/get-batch-inference-job, read 2026-11. */
export const jobSchema = z.object({
  name: z.string().min(1),
  state: z.string(),
  createTime: text,
  updateTime: text,
  model: text,
  inputDatasetId: text,
  outputDatasetId: text,
  status: z.object({ code: text, message: text }).nullish().catch(null),
  jobProgress: z
    .object({
      totalInputRequests: count,
      totalProcessedRequests: count,
      successfullyProcessedRequests: count,
      failedRequests: count,
    })
    .nullish()
    .catch(null),
});

export type Job = z.infer<typeof jobSchema>;

// Source: the states that get-batch-inference-job names, read 2026-11.
const phaseByState = new Map<string, ProviderPhase>([
  ['JOB_STATE_UNSPECIFIED', 'validating'],
  ['JOB_STATE_VALIDATING', 'validating'],
  ['JOB_STATE_CREATING_INPUT_DATASET', 'validating'],
  ['JOB_STATE_PENDING', 'in_progress'],
  ['JOB_STATE_CREATING', 'in_progress'],
  ['JOB_STATE_RUNNING', 'in_progress'],
  ['JOB_STATE_RE_QUEUEING', 'in_progress'],
  ['JOB_STATE_IDLE', 'in_progress'],
  ['JOB_STATE_PAUSED', 'in_progress'],
  ['JOB_STATE_WRITING_RESULTS', 'in_progress'],
  ['JOB_STATE_COMPLETED', 'completed'],
  ['JOB_STATE_FAILED', 'failed'],
  ['JOB_STATE_EARLY_STOPPED', 'expired'],
  ['JOB_STATE_EXPIRED', 'expired'],
  ['JOB_STATE_CANCELLING', 'cancelling'],
  ['JOB_STATE_DELETING', 'cancelling'],
  ['JOB_STATE_DELETING_CLEANING_UP', 'cancelling'],
  ['JOB_STATE_CANCELLED', 'cancelled'],
  ['JOB_STATE_DELETED', 'cancelled'],
  ['JOB_STATE_ARCHIVED', 'cancelled'],
]);

export function phaseOf({ state }: Job): ProviderPhase {
  return phaseByState.get(state) ?? 'in_progress';
}

/** @param resultRefs of a job that has ended: the files of its output dataset. */
export function providerBatchFrom(job: Job, resultRefs: string[]): ProviderBatch {
  const phase = phaseOf(job);
  return {
    providerBatchId: job.name,
    phase,
    status: job.state,
    isKnownStatus: phaseByState.has(job.state),
    counts: countsOf(job),
    expectedResults: hasEnded(phase) ? expectedResults(job, resultRefs) : null,
    resultRefs,
    failure: phase === 'failed' ? failureFrom(job) : null,
  };
}

/** Failed requests count only where there is a file of errors: whether each has a line in it is unconfirmed. */
function expectedResults({ jobProgress }: Job, resultRefs: string[]): number | null {
  if (!jobProgress) return null;
  const hasErrors = resultRefs.some((ref) => ref.endsWith('error-data'));
  return jobProgress.successfullyProcessedRequests + (hasErrors ? jobProgress.failedRequests : 0);
}

/** A job that we have deleted, with what it had written until then. */
export function deletedBatch(name: string, resultRefs: string[]): ProviderBatch {
  return {
    providerBatchId: name,
    phase: 'cancelled',
    status: 'JOB_STATE_DELETED',
    isKnownStatus: true,
    counts: null,
    expectedResults: null,
    resultRefs,
    failure: null,
  };
}

/** The same job as its list would have shown it, of which the mark of its deletion knows how many requests it had, and when it ended. */
export function deletedJob(name: string, mark: { createTime?: string | null | undefined; exampleCount: number }): Job {
  return {
    ...{ name, state: 'JOB_STATE_DELETED', createTime: mark.createTime ?? null, updateTime: mark.createTime ?? null },
    ...{ model: null, inputDatasetId: null, outputDatasetId: null, status: null },
    jobProgress: {
      totalInputRequests: mark.exampleCount,
      totalProcessedRequests: 0,
      successfullyProcessedRequests: 0,
      failedRequests: 0,
    },
  };
}

/** What was announced when the dataset was made may be less than what was done. Null where a count must be missing. */
function countsOf({ jobProgress }: Job): ProviderBatch['counts'] {
  if (!jobProgress) return null;
  const { totalInputRequests, totalProcessedRequests, successfullyProcessedRequests, failedRequests } = jobProgress;
  if (successfullyProcessedRequests + failedRequests < totalProcessedRequests) return null;
  const total = Math.max(totalInputRequests, totalProcessedRequests);
  return { total, completed: successfullyProcessedRequests, failed: failedRequests };
}

/** It has no time of a start, and a count of 0 may be one that is absent: nothing proves that a job ran none of its requests. */
function failureFrom({ status }: Job): ProviderBatch['failure'] {
  const message = safeText(status?.message || 'Fireworks failed the job without saying why.');
  const code = status?.code?.toLowerCase() || 'batch_failed';
  return { code, message, isQueueFull: false };
}

/** The job as OpenAI's Batch. */
export function batchFieldsFrom(job: Job): BatchFields {
  const phase = phaseOf(job);
  const endedAt = (ending: ProviderPhase) => (phase === ending ? job.updateTime : null);
  const failure = phase === 'failed' ? failureFrom(job) : null;
  const error = failure && { code: failure.code, message: failure.message, param: null, line: null };
  return batchFieldsSchema.parse({
    id: job.name,
    object: 'batch',
    endpoint: '/v1/chat/completions',
    model: job.model,
    errors: error && { object: 'list', data: [error] },
    input_file_id: job.inputDatasetId,
    status: phase,
    output_file_id: phase === 'completed' && job.outputDatasetId ? idIn(job.outputDatasetId) : null,
    created_at: job.createTime,
    completed_at: endedAt('completed'),
    failed_at: endedAt('failed'),
    expired_at: endedAt('expired'),
    cancelled_at: endedAt('cancelled'),
    request_counts: countsOf(job),
  });
}
