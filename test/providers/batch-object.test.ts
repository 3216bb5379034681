import { describe, expect, it } from 'vitest';
import {
  batchObjectSchema as anthropicSchema,
  providerBatchFrom as fromAnthropic,
} from '../../lib/providers/anthropic/batch-object.ts';
import { batchOperationSchema, providerBatchFrom as fromGemini } from '../../lib/providers/gemini/batch-operation.ts';
import {
  providerBatchFrom as fromOpenAI,
  batchObjectSchema as openAISchema,
} from '../../lib/providers/openai-family/batch-object.ts';
import { providerBatchFrom as fromVertex, predictionJobSchema } from '../../lib/providers/vertex/prediction-job.ts';

function openAI(changes: object) {
  return fromOpenAI(openAISchema.parse({ id: 'batch_1', status: 'completed', ...changes }), 'OpenAI');
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

  it('promises a line for every request once it has ended, and none once its results are archived', () => {
    expect(anthropic({})).toMatchObject({ expectedResults: 3, resultRefs: ['msgbatch_1'] });
    expect(anthropic({ results_url: null })).toMatchObject({ expectedResults: null, resultRefs: [] });
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

  const error = { code: 8, message: 'Too much is waiting.' };
  const failedGemini = (done: object) =>
    fromGemini(
      batchOperationSchema.parse({ name: 'batches/1', error, metadata: { state: 'BATCH_STATE_FAILED', ...done } }),
    );
  const failedVertex = (done: object) =>
    fromVertex(predictionJobSchema.parse({ name: 'j', error, state: 'JOB_STATE_FAILED', ...done }), null);

  it.each([
    ['Gemini', failedGemini, {}, true],
    ['Gemini', failedGemini, { batchStats: { requestCount: '3' } }, true],
    ['Gemini', failedGemini, { batchStats: { successfulRequestCount: '900' } }, false],
    ['Gemini', failedGemini, { output: { responsesFile: 'files/1' } }, false],
    ['Vertex', failedVertex, {}, true],
    ['Vertex', failedVertex, { completionStats: { incompleteCount: '3' } }, true],
    ['Vertex', failedVertex, { completionStats: { successfulCount: '900' } }, false],
    ['Vertex', failedVertex, { outputInfo: { gcsOutputDirectory: 'gs://b/o' } }, false],
  ])('%s is sent again only where none of it is done: %#', (_name, batchOf, done, isQueueFull) => {
    expect(batchOf(done)).toMatchObject({ phase: 'failed', failure: { code: 'resource_exhausted', isQueueFull } });
  });
});
