import { z } from 'zod';
import { hasEnded } from '../../records/openai-batch.ts';
import type { ProviderBatch } from '../contract.ts';
import { countSchema, countsFrom, failureFrom, failureSchema, phaseOf } from '../google-family/batch-state.ts';
import type { BatchFields } from '../shared/batch-fields.ts';
import { batchFieldsOf } from '../shared/http/foreign-batch.ts';
import { timeSeconds } from '../shared/http/provider-time.ts';

const outputSchema = z
  .object({
    responsesFile: z.string().min(1).nullish(),
    /** Answers in the batch itself, as batches have them whose requests came inline. */
    inlinedResponses: z
      .object({ inlinedResponses: z.array(z.unknown()) })
      .nullish()
      .catch(null),
  })
  .nullish()
  .catch(null);

/**
 * What we read of a batch: a long-running operation around it. Source: https://ai.google.dev/api/batch-api and the
 * reading of it in @google/genai 3.1 (`batchJobFromMldev`).
 */
export const batchOperationSchema = z.object({
  name: z.string().min(1),
  metadata: z.object({
    state: z.string().default('BATCH_STATE_UNSPECIFIED'),
    model: z.string().nullish().catch(null),
    displayName: z.string().nullish().catch(null),
    /** RFC 3339. */
    createTime: z.string().nullish().catch(null),
    endTime: z.string().nullish().catch(null),
    inputConfig: z.object({ fileName: z.string().nullish() }).nullish().catch(null),
    output: outputSchema,
    batchStats: z
      .object({
        requestCount: countSchema,
        successfulRequestCount: countSchema,
        failedRequestCount: countSchema,
        pendingRequestCount: countSchema,
      })
      .nullish()
      .catch(null),
  }),
  response: outputSchema,
  error: failureSchema,
});

export type BatchOperation = z.infer<typeof batchOperationSchema>;

function responsesFile(batch: BatchOperation): string | null {
  return batch.metadata.output?.responsesFile ?? batch.response?.responsesFile ?? null;
}

/** What stands for the answers in the batch itself, in place of a file's name. */
export const inlineRef = 'inlinedResponses';

/** The answers that a batch holds itself; null where there are none. */
export function inlinedResponses({ metadata, response }: BatchOperation): unknown[] | null {
  const output = metadata.output?.inlinedResponses ?? response?.inlinedResponses;
  return output?.inlinedResponses ?? null;
}

/** Where the answers are: a file's name, or `inlineRef`; null where there are none. */
function answersOf(batch: BatchOperation): string | null {
  return responsesFile(batch) ?? (inlinedResponses(batch) === null ? null : inlineRef);
}

export function providerBatchFrom(batch: BatchOperation): ProviderBatch {
  const known = phaseOf(batch.metadata.state);
  const phase = known ?? 'in_progress';
  const file = hasEnded(phase) ? answersOf(batch) : null;
  const counts = countsOf(batch);
  const hasNeverBegun = responsesFile(batch) === null && counts?.completed === 0 && counts.failed === 0;
  return {
    providerBatchId: batch.name,
    phase,
    status: batch.metadata.state,
    isKnownStatus: known !== undefined,
    counts,
    // What is counted is paid for, also where there is no sign of it.
    expectedResults: counts && (file !== null || phase === 'completed') ? counts.completed + counts.failed : null,
    resultRefs: file !== null ? [file] : [],
    failure: phase === 'failed' ? failureFrom(batch.error, 'Gemini', hasNeverBegun) : null,
  };
}

function countsOf({ metadata: { batchStats } }: BatchOperation): ProviderBatch['counts'] {
  if (!batchStats) return null;
  return countsFrom({
    total: batchStats.requestCount,
    completed: batchStats.successfulRequestCount,
    failed: batchStats.failedRequestCount,
    open: batchStats.pendingRequestCount,
  });
}

/** 24 hours are what Gemini aims at, 48 its limit. */
const lifetimeSeconds = 48 * 3600;

/** The batch in OpenAI's form. Gemini has one file of results, and neither metadata nor the usage of a batch. */
export function batchFieldsFrom(batch: BatchOperation): BatchFields {
  const { metadata } = batch;
  const createdAt = timeSeconds(metadata.createTime);
  return batchFieldsOf({
    ...providerBatchFrom(batch),
    id: batch.name,
    model: metadata.model?.replace(/^models\//, '') ?? null,
    inputFileId: metadata.inputConfig?.fileName ?? null,
    outputFileId: responsesFile(batch),
    createdAt,
    expiresAt: createdAt === null ? null : createdAt + lifetimeSeconds,
    endedAt: timeSeconds(metadata.endTime),
  });
}
