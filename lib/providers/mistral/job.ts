import { z } from 'zod';
import { safeText } from '../../records/errors.ts';
import { isObject } from '../../records/json.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ProviderBatch, ProviderPhase } from '../contract.ts';
import { type BatchFields, batchFieldsSchema } from '../shared/batch-fields.ts';
import { isOutOfCredit } from '../shared/http/credit.ts';
import { isSharedByAllLines } from '../shared/http/shared-cause.ts';

const count = z.number().int().nonnegative().nullish().catch(null);
const id = z.string().min(1).nullish().catch(null);
const seconds = z.number().nullish().catch(null);

/** A job as the SDK hands it on, or as it stands on the wire where the SDK did not know its form. */
export const jobSchema = z.preprocess(
  inSdkNames,
  z.object({
    id: z.string().min(1),
    status: z.string(),
    inputFiles: z.array(z.string()).catch([]),
    metadata: z.record(z.string(), z.unknown()).nullish().catch(null),
    endpoint: z.string().nullish().catch(null),
    model: z.string().nullish().catch(null),
    outputFile: id,
    errorFile: id,
    errors: z.array(z.object({ message: z.string().catch('') })).catch([]),
    createdAt: seconds,
    /** Null before it ran; undefined where it is no time, or absent. */
    startedAt: z.number().nullish().catch(undefined),
    completedAt: seconds,
    totalRequests: count,
    succeededRequests: count,
    failedRequests: count,
  }),
);

export type Job = z.infer<typeof jobSchema>;

/** `output_file` -> `outputFile`, in the object itself. */
function inSdkNames(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      member,
    ]),
  );
}

// Source: @mistralai/mistralai 2.7 `BatchJobStatus`.
const phaseByStatus = new Map<string, ProviderPhase>([
  ['QUEUED', 'validating'],
  ['RUNNING', 'in_progress'],
  ['SUCCESS', 'completed'],
  ['FAILED', 'failed'],
  ['TIMEOUT_EXCEEDED', 'expired'],
  ['CANCELLATION_REQUESTED', 'cancelling'],
  ['CANCELLED', 'cancelled'],
]);

export function providerBatchFrom(job: Job): ProviderBatch {
  const known = phaseByStatus.get(job.status);
  const phase = known ?? 'in_progress';
  const isEnded = hasEnded(phase);
  const counts = countsOf(job);
  return {
    providerBatchId: job.id,
    phase,
    status: job.status,
    isKnownStatus: known !== undefined,
    counts,
    expectedResults: isEnded && counts ? counts.completed + (job.errorFile ? counts.failed : 0) : null,
    resultRefs: isEnded ? [job.outputFile, job.errorFile].filter((file) => typeof file === 'string') : [],
    failure: phase === 'failed' ? failureFrom(job, counts) : null,
  };
}

/** Null where any of them is missing: what is not counted may be anything. */
function countsOf({ totalRequests, succeededRequests, failedRequests }: Job): ProviderBatch['counts'] {
  if (!isCount(totalRequests) || !isCount(succeededRequests) || !isCount(failedRequests)) return null;
  return { total: totalRequests, completed: succeededRequests, failed: failedRequests };
}

function isCount(value: number | null | undefined): value is number {
  return typeof value === 'number';
}

/**
 * Mistral gives no codes, names no lines, and refuses the create where too much is waiting. A job that never started and
 * counts nothing as done has run nothing.
 */
function failureFrom(
  { errors, startedAt, outputFile, errorFile }: Job,
  counts: ProviderBatch['counts'],
): ProviderBatch['failure'] {
  const message = safeText(errors[0]?.message || 'Mistral failed the job without saying why.');
  const failure = { code: 'batch_failed', message };
  const hasNothingDone = counts !== null && counts.completed + counts.failed === 0 && !outputFile && !errorFile;
  const hasNeverBegun = hasNothingDone && startedAt === null;
  if (isOutOfCredit({ status: null, ...failure })) return { ...failure, isQueueFull: hasNeverBegun };
  const isUntouched = hasNeverBegun && !isSharedByAllLines(failure);
  return { ...failure, isQueueFull: false, ...(isUntouched && { isUntouched }) };
}

/** The job as OpenAI's Batch. */
export function batchFieldsFrom(job: Job): BatchFields {
  const phase = phaseByStatus.get(job.status) ?? 'in_progress';
  const endedAt = (ending: ProviderPhase) => (phase === ending ? job.completedAt : null);
  return batchFieldsSchema.parse({
    id: job.id,
    object: 'batch',
    endpoint: job.endpoint,
    model: job.model,
    errors: job.errors.length > 0 ? { object: 'list', data: job.errors.map(batchError) } : null,
    input_file_id: job.inputFiles[0],
    status: phase,
    output_file_id: job.outputFile,
    error_file_id: job.errorFile,
    created_at: job.createdAt,
    in_progress_at: job.startedAt,
    completed_at: endedAt('completed'),
    failed_at: endedAt('failed'),
    expired_at: endedAt('expired'),
    cancelled_at: endedAt('cancelled'),
    request_counts: countsOf(job),
    metadata: job.metadata,
  });
}

function batchError({ message }: { message: string }): object {
  return { code: 'batch_failed', message: safeText(message), param: null, line: null };
}
