import { z } from 'zod';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ProviderBatch } from '../contract.ts';
import { countSchema, countsFrom, failureFrom, failureSchema, phaseOf } from '../google-family/batch-state.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { batchFieldsOf } from '../shared/http/foreign-batch.ts';
import { timeSeconds } from '../shared/http/provider-time.ts';

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
  completionStats: z
    .object({ successfulCount: countSchema, failedCount: countSchema, incompleteCount: countSchema })
    .nullish()
    .catch(null),
  error: failureSchema,
  createTime: text,
  /** Absent before it ran; whatever stands there says that it did. */
  startTime: z.unknown().optional(),
  endTime: text,
});

export type PredictionJob = z.infer<typeof predictionJobSchema>;

/** @returns the directory of its output, once it has ended. */
export function outputDirectory(job: PredictionJob): string | null {
  const phase = phaseOf(job.state);
  return phase && hasEnded(phase) ? (job.outputInfo?.gcsOutputDirectory ?? null) : null;
}

/** @param files of its output; null where it has none. */
export function providerBatchFrom(job: PredictionJob, files: string[] | null): ProviderBatch {
  const known = phaseOf(job.state);
  const phase = known ?? 'in_progress';
  const counts = countsOf(job);
  // A job's start is the first time that it runs.
  const hasStarted = job.startTime !== undefined && job.startTime !== null;
  const hasNeverBegun = !hasStarted && outputDirectory(job) === null && !counts?.completed && !counts?.failed;
  return {
    providerBatchId: job.name,
    phase,
    status: job.state,
    isKnownStatus: known !== undefined,
    counts,
    // What is counted is paid for, also where there is no sign of it.
    expectedResults: counts && (files || phase === 'completed') ? counts.completed + counts.failed : null,
    resultRefs: files ?? [],
    failure: phase === 'failed' ? failureFrom(job.error, 'Vertex', hasNeverBegun) : null,
  };
}

function countsOf({ completionStats }: PredictionJob): ProviderBatch['counts'] {
  if (!completionStats) return null;
  const { successfulCount: completed, failedCount: failed, incompleteCount: open } = completionStats;
  return countsFrom({ total: undefined, completed, failed, open });
}

/** The job in OpenAI's form. Its results may be several files, so none is named. */
export function batchFieldsFrom(job: PredictionJob): BatchFields {
  return batchFieldsOf({
    ...providerBatchFrom(job, null),
    id: job.name,
    model: job.model?.replace(/^.*\/models\//, '') ?? null,
    inputFileId: job.inputConfig?.gcsSource?.uris[0] ?? null,
    createdAt: timeSeconds(job.createTime),
    startedAt: timeSeconds(text.parse(job.startTime)),
    endedAt: timeSeconds(job.endTime),
  });
}
