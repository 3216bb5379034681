import { describe, expect, it } from 'vitest';
import {
  batchObjectSchema as anthropicSchema,
  providerBatchFrom as fromAnthropic,
} from '../../lib/providers/anthropic/batch-object.ts';
import { batchOperationSchema, providerBatchFrom as fromGemini } from '../../lib/providers/gemini/batch-operation.ts';
import { providerBatchFrom as fromMistral, jobSchema } from '../../lib/providers/mistral/job.ts';
import {
  providerBatchFrom as fromOpenAI,
  batchObjectSchema as openAISchema,
} from '../../lib/providers/openai-family/batch-object.ts';
import { openAIDialect } from '../../lib/providers/openai-family/dialect.ts';
import { providerBatchFrom as fromVertex, predictionJobSchema } from '../../lib/providers/vertex/prediction-job.ts';

function openAI(changes: object) {
  return fromOpenAI(openAISchema.parse({ id: 'batch_1', status: 'completed', ...changes }), openAIDialect);
}

function anthropic(changes: object) {
  const request_counts = { processing: 0, succeeded: 3, errored: 0, canceled: 0, expired: 0 };
  const batch = { id: 'msgbatch_1', processing_status: 'ended', request_counts, created_at: '2026-01-01T00:00:00Z' };
  return fromAnthropic(anthropicSchema.parse({ ...batch, results_url: 'https://elsewhere.example/x', ...changes }));
}

describe('a batch of OpenAI', () => {
  it.each([
    ['validating', 'validating'],
    ['in_progress', 'in_progress'],
    ['finalizing', 'in_progress'],
    ['cancelling', 'cancelling'],
    ['cancelled', 'cancelled'],
    ['expired', 'expired'],
    ['failed', 'failed'],
    ['Completed', 'completed'],
  ])('that is %s is %s to us', (status, phase) => {
    expect(openAI({ status })).toMatchObject({ phase, isKnownStatus: true, status });
  });

  it('may have nulls and empty texts where others have values', () => {
    expect(
      openAI({ request_counts: null, output_file_id: '', error_file_id: null, errors: null, metadata: null }),
    ).toMatchObject({ counts: null, expectedResults: null, resultRefs: [], failure: null });
    expect(openAI({ request_counts: { total: null } })).toMatchObject({ counts: null });
    expect(openAI({ request_counts: { total: 3, completed: -1, failed: 0 } })).toMatchObject({ counts: null });
    expect(openAI({ request_counts: { total: '3', completed: '2', failed: '1' } })).toMatchObject({
      counts: { total: 3, completed: 2, failed: 1 },
    });
  });

  it('promises a line for a failed request only where it has an error file', () => {
    const request_counts = { total: 3, completed: 2, failed: 1 };

    expect(openAI({ request_counts, output_file_id: 'file-o' })).toMatchObject({
      expectedResults: 2,
      resultRefs: ['file-o'],
    });
    expect(openAI({ request_counts, output_file_id: 'file-o', error_file_id: 'file-e' })).toMatchObject({
      expectedResults: 3,
      resultRefs: ['file-o', 'file-e'],
    });
  });

  it('has a reason to fail even where it gives none', () => {
    expect(openAI({ status: 'failed' }).failure).toEqual({
      code: 'batch_failed',
      message: expect.stringMatching(/./),
      isQueueFull: false,
    });
  });
});

describe('a batch of Anthropic', () => {
  it.each([
    [{ processing_status: 'in_progress' }, 'in_progress'],
    [{ processing_status: 'canceling' }, 'cancelling'],
    [{}, 'completed'],
    [{ cancel_initiated_at: '2026-01-01T00:00:00Z' }, 'cancelled'],
    [{ request_counts: { processing: 0, succeeded: 1, errored: 0, canceled: 0, expired: 2 } }, 'expired'],
  ])('with %o is %s to us', (changes, phase) => {
    expect(anthropic(changes)).toMatchObject({ phase, isKnownStatus: true });
  });

  it('owes a line for every request once it has ended, also where it names no results', () => {
    expect(anthropic({})).toMatchObject({ expectedResults: 3, resultRefs: ['msgbatch_1'] });
    expect(anthropic({ results_url: null })).toMatchObject({ expectedResults: 3, resultRefs: [] });
  });
});

describe('a batch of Google', () => {
  const gemini = (state: string) =>
    fromGemini(
      batchOperationSchema.parse({
        name: 'batches/1',
        metadata: { state, batchStats: { requestCount: '3', successfulRequestCount: '2', failedRequestCount: '1' } },
      }),
    );
  const vertex = (state: string) =>
    fromVertex(predictionJobSchema.parse({ name: 'j', state, completionStats: { successfulCount: '3' } }), null);

  it.each([
    ['Gemini', gemini],
    ['Vertex', vertex],
  ])('%s owes what it counts as done, even where it names no file', (_name, batchOf) => {
    expect(batchOf('JOB_STATE_SUCCEEDED')).toMatchObject({ phase: 'completed', resultRefs: [], expectedResults: 3 });
    expect(batchOf('JOB_STATE_CANCELLED')).toMatchObject({ phase: 'cancelled', expectedResults: null });
    expect(batchOf('JOB_STATE_RUNNING')).toMatchObject({ phase: 'in_progress', expectedResults: null });
  });

  it.each([
    [{ requestCount: '3', successfulRequestCount: '2', failedRequestCount: '-1' }],
    [{ requestCount: '3', failedRequestCount: '1' }],
    [{ requestCount: '3', successfulRequestCount: 'many' }],
    [{ requestCount: '-1', successfulRequestCount: '2' }],
  ])('counts nothing where a count is unknown: Gemini %j', (batchStats) => {
    const batch = { name: 'batches/1', metadata: { state: 'BATCH_STATE_EXPIRED', batchStats } };
    expect(fromGemini(batchOperationSchema.parse(batch)).counts).toBeNull();
  });

  it('takes a count that is absent for 0 where the others make up the total', () => {
    const batchStats = { requestCount: '3', pendingRequestCount: '1', failedRequestCount: '2' };
    const batch = { name: 'batches/1', metadata: { state: 'BATCH_STATE_EXPIRED', batchStats } };
    expect(fromGemini(batchOperationSchema.parse(batch)).counts).toEqual({ total: 3, completed: 0, failed: 2 });
  });

  it('counts nothing where a count is unknown: Vertex', () => {
    const completionStats = { successfulCount: '-1', failedCount: '1', incompleteCount: '2' };
    const job = predictionJobSchema.parse({ name: 'j', state: 'JOB_STATE_EXPIRED', completionStats });
    expect(fromVertex(job, null).counts).toBeNull();
  });

  const error = { code: 8, message: 'Too much is waiting.' };
  const failedGemini = (done: object) =>
    fromGemini(
      batchOperationSchema.parse({ name: 'batches/1', error, metadata: { state: 'BATCH_STATE_FAILED', ...done } }),
    );
  const failedVertex = (done: object) =>
    fromVertex(predictionJobSchema.parse({ name: 'j', error, state: 'JOB_STATE_FAILED', ...done }), null);

  it.each([
    ['Gemini', failedGemini, { batchStats: { requestCount: '3', pendingRequestCount: '3' } }, true],
    ['Gemini', failedGemini, {}, false],
    ['Gemini', failedGemini, { batchStats: { requestCount: '3' } }, false],
    ['Gemini', failedGemini, { batchStats: { requestCount: '3', failedRequestCount: '3' } }, false],
    ['Gemini', failedGemini, { batchStats: { successfulRequestCount: '900' } }, false],
    ['Gemini', failedGemini, { output: { responsesFile: 'files/1' } }, false],
    ['Vertex', failedVertex, {}, true],
    ['Vertex', failedVertex, { completionStats: { incompleteCount: '3' } }, true],
    ['Vertex', failedVertex, { completionStats: { successfulCount: '900' } }, false],
    ['Vertex', failedVertex, { startTime: '2026-11-30T10:00:00Z' }, false],
    ['Vertex', failedVertex, { startTime: 1_790_000_000 }, false],
    ['Vertex', failedVertex, { outputInfo: { gcsOutputDirectory: 'gs://b/o' } }, false],
  ])('%s is sent again only where it shows that none of it ran: %#', (_name, batchOf, done, isQueueFull) => {
    expect(batchOf(done)).toMatchObject({ phase: 'failed', failure: { code: 'resource_exhausted', isQueueFull } });
  });
});

describe('a job of Mistral', () => {
  const mistral = (changes: object) => fromMistral(jobSchema.parse({ id: 'job-1', status: 'SUCCESS', ...changes }));

  it('owes what it counts, also where it names no file', () => {
    const counts = { total_requests: 3, succeeded_requests: 3, failed_requests: 0 };
    expect(mistral({ ...counts, output_file: null })).toMatchObject({ expectedResults: 3, resultRefs: [] });
  });

  it('counts nothing where it says no counts', () => {
    expect(mistral({ output_file: 'f' })).toMatchObject({ counts: null, expectedResults: null, resultRefs: ['f'] });
    expect(mistral({ total_requests: 3, succeeded_requests: 3 }).counts).toBeNull();
  });
});
