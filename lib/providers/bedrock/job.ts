import { z } from 'zod';
import { safeText } from '../../records/errors.ts';
import type { ProviderBatch, ProviderPhase } from '../contract.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { batchFieldsOf } from '../shared/http/foreign-batch.ts';
import { isSharedByAllLines } from '../shared/http/shared-cause.ts';
import { resultUri } from './places.ts';

const count = z.number().int().nonnegative().nullish().catch(null);
const time = z.date().nullish();

/** What we read of a job. Source: @aws-sdk/client-bedrock 3.1164 `GetModelInvocationJobResponse`. */
export const jobSchema = z.object({
  jobArn: z.string().min(1),
  jobName: z.string(),
  modelId: z.string(),
  clientRequestToken: z.string().nullish(),
  inputDataConfig: z.object({ s3InputDataConfig: z.object({ s3Uri: z.string() }) }),
  outputDataConfig: z.object({ s3OutputDataConfig: z.object({ s3Uri: z.string() }) }),
  submitTime: time,
  endTime: time,
  jobExpirationTime: time,
  status: z.string(),
  message: z.string().nullish(),
  totalRecordCount: count,
  processedRecordCount: count,
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

export function providerBatchFrom(job: Job): ProviderBatch {
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
    resultRefs: hasResults ? [resultRefOf(job)] : [],
    failure: known === 'failed' ? failureFrom(job) : null,
  };
}

function resultRefOf({ jobArn, inputDataConfig, outputDataConfig }: Job): string {
  return resultUri(jobArn, inputDataConfig.s3InputDataConfig.s3Uri, outputDataConfig.s3OutputDataConfig.s3Uri);
}

/** Null until Bedrock has counted all of it. */
function countsOf({ totalRecordCount, successRecordCount, errorRecordCount }: Job): ProviderBatch['counts'] {
  if (typeof totalRecordCount !== 'number') return null;
  const [completed, failed] = [successRecordCount ?? 0, errorRecordCount ?? 0];
  const isAnyAbsent = typeof successRecordCount !== 'number' || typeof errorRecordCount !== 'number';
  if (isAnyAbsent && completed + failed !== totalRecordCount) return null;
  return { total: totalRecordCount, completed, failed };
}

/** Bedrock names no lines. A job that says that it processed none of its records has run nothing. */
function failureFrom(job: Job): ProviderBatch['failure'] {
  const message = safeText(job.message || 'Bedrock failed the job without saying why.');
  const failure = { code: 'batch_failed', message };
  const hasNothingDone = job.processedRecordCount === 0 && job.successRecordCount === 0 && job.errorRecordCount === 0;
  const isShared = isSharedByAllLines(failure) || tooFewRecords.test(message);
  return { ...failure, isQueueFull: false, ...(hasNothingDone && !isShared && { isUntouched: true }) };
}

/** Halves would have even less. */
const tooFewRecords = /\bminimum\b/i;

/** The job in OpenAI's form. Bedrock has no metadata and no usage of a job, and does not say what form its lines have. */
export function batchFieldsFrom(job: Job): BatchFields {
  const { resultRefs, ...batch } = providerBatchFrom(job);
  return batchFieldsOf({
    ...batch,
    id: job.jobArn,
    model: job.modelId ?? null,
    inputFileId: job.inputDataConfig.s3InputDataConfig.s3Uri,
    outputFileId: resultRefs[0] ?? null,
    createdAt: secondsOf(job.submitTime),
    expiresAt: secondsOf(job.jobExpirationTime),
    endedAt: secondsOf(job.endTime),
  });
}

function secondsOf(moment: Date | null | undefined): number | null {
  return moment ? Math.floor(moment.getTime() / 1000) : null;
}
