import { expect, it } from 'vitest';
import { jobSchema as bedrockJob, providerBatchFrom as fromBedrock } from '../../lib/providers/bedrock/job.ts';
import { jobSchema as fireworksJob, providerBatchFrom as fromFireworks } from '../../lib/providers/fireworks/job.ts';
import { batchOperationSchema, providerBatchFrom as fromGemini } from '../../lib/providers/gemini/batch-operation.ts';
import { providerBatchFrom as fromMistral, jobSchema as mistralJob } from '../../lib/providers/mistral/job.ts';
import { batchObjectSchema, providerBatchFrom as fromOpenAI } from '../../lib/providers/openai-family/batch-object.ts';
import { openAIDialect } from '../../lib/providers/openai-family/dialect.ts';
import { createOutcome } from '../../lib/providers/shared/http/create-outcome.ts';
import { uploadFailure } from '../../lib/providers/shared/http/upload-failure.ts';
import { togetherDialect } from '../../lib/providers/together/dialect.ts';
import { providerBatchFrom as fromVertex, predictionJobSchema } from '../../lib/providers/vertex/prediction-job.ts';
import { openAIBatch } from '../../lib/providers/xai/batch.ts';
import { xaiDialect } from '../../lib/providers/xai/dialect.ts';

const message = 'The input is not valid.';
const none = { total: 0, completed: 0, failed: 0 };

const openai = (changes: object) => {
  const errors = { data: [{ code: 'invalid_json_line', message, line: 3 }] };
  const batch = { id: 'b', status: 'failed', errors, in_progress_at: null, request_counts: none, ...changes };
  return fromOpenAI(batchObjectSchema.parse(batch), openAIDialect).failure;
};
const ownServer = (changes: object) => {
  const errors = { data: [{ code: 'invalid_json_line', message, line: 3 }] };
  const batch = { id: 'b', status: 'failed', errors, in_progress_at: null, request_counts: none, ...changes };
  return fromOpenAI(batchObjectSchema.parse(batch), { service: 'it', showsStart: false }).failure;
};
const xai = (state: object) => {
  const counts = { num_requests: 0, num_pending: 0, num_success: 0, num_error: 0, num_cancelled: 0, ...state };
  const batch = { batch_id: 'b', state: counts, cancel_by_xai_message: message };
  return fromOpenAI(batchObjectSchema.parse(openAIBatch(batch, Date.now())), xaiDialect).failure;
};
const together = (changes: object) => {
  const job = { id: 'b', status: 'FAILED', error: message, ...changes };
  return fromOpenAI(batchObjectSchema.parse(togetherDialect.batchFrom(job)), togetherDialect).failure;
};
const mistral = (changes: object) => {
  const counts = { total_requests: 8, succeeded_requests: 0, failed_requests: 0 };
  const job = { id: 'j', status: 'FAILED', errors: [{ message }], started_at: null, ...counts, ...changes };
  return fromMistral(mistralJob.parse(job)).failure;
};
const gemini = (changes: object, error: object = { code: 3, message }) => {
  const metadata = { state: 'BATCH_STATE_FAILED', batchStats: { requestCount: '8', pendingRequestCount: '8' } };
  const batch = { name: 'batches/b', error, metadata: { ...metadata, ...changes } };
  return fromGemini(batchOperationSchema.parse(batch)).failure;
};
const vertex = (changes: object) => {
  const job = { name: 'j', state: 'JOB_STATE_FAILED', error: { code: 3, message }, ...changes };
  return fromVertex(predictionJobSchema.parse(job), null).failure;
};
const bedrock = (changes: object) => {
  const counts = { totalRecordCount: 200, processedRecordCount: 0, successRecordCount: 0, errorRecordCount: 0 };
  const job = {
    jobArn: 'arn',
    jobName: 'j',
    modelId: 'm',
    inputDataConfig: { s3InputDataConfig: { s3Uri: 's3://b/in' } },
    outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://b/out' } },
    status: 'Failed',
    message,
  };
  return fromBedrock(bedrockJob.parse({ ...job, ...counts, ...changes })).failure;
};
const fireworks = (changes: object) => {
  const status = { code: 'INVALID_ARGUMENT', message };
  return fromFireworks(fireworksJob.parse({ name: 'j', state: 'JOB_STATE_FAILED', status, ...changes }), []).failure;
};

it.each([
  ['OpenAI', openai, {}, true],
  ['OpenAI, which counted but never began', openai, { request_counts: { ...none, total: 8 } }, true],
  ['OpenAI, without the field', openai, { in_progress_at: undefined }, false],
  ['a server of one’s own, whose fields may never be set', ownServer, {}, false],
  ['a server of one’s own, which counted', ownServer, { request_counts: { ...none, total: 8 } }, false],
  ['a server of one’s own without the field', ownServer, { in_progress_at: undefined }, false],
  ['OpenAI, which had begun', openai, { in_progress_at: 1_790_000_000 }, false],
  ['Azure, whose time is a text', openai, { in_progress_at: '2026-11-30T10:00:00Z' }, false],
  ['OpenAI, with answers', openai, { request_counts: { total: 8, completed: 1, failed: 0 } }, false],
  ['OpenAI, with failures', openai, { request_counts: { total: 8, completed: 0, failed: 1 } }, false],
  ['OpenAI, without counts', openai, { request_counts: null }, false],
  ['OpenAI, with a file', openai, { error_file_id: 'file-1' }, false],
  ['xAI', xai, {}, true],
  ['xAI, which has its requests', xai, { num_requests: 8, num_pending: 8 }, false],
  ['Together, which counts nothing', together, {}, false],
  ['Mistral', mistral, {}, true],
  ['Mistral, which had started', mistral, { started_at: 1_790_000_000 }, false],
  ['Mistral, which does not say when', mistral, { started_at: undefined }, false],
  ['Mistral, without counts', mistral, { failed_requests: undefined }, false],
  ['Mistral, with failures', mistral, { failed_requests: 1 }, false],
  ['Gemini', gemini, {}, true],
  ['Gemini, without counts', gemini, { batchStats: undefined }, false],
  ['Gemini, with answers', gemini, { batchStats: { requestCount: '8', successfulRequestCount: '8' } }, false],
  ['Gemini, with a file', gemini, { output: { responsesFile: 'files/1' } }, false],
  ['Vertex', vertex, {}, true],
  ['Vertex, which had started', vertex, { startTime: '2026-11-30T10:00:00Z' }, false],
  ['Vertex, for a fault of its own', vertex, { error: { code: 13, message } }, false],
  ['Bedrock', bedrock, {}, true],
  ['Bedrock, without counts', bedrock, { processedRecordCount: undefined }, false],
  ['Bedrock, with answers', bedrock, { processedRecordCount: 1, successRecordCount: 1 }, false],
  ['Bedrock, for want of records', bedrock, { message: 'less records (50) than the required minimum of: 100' }, false],
  ['Fireworks, which proves nothing', fireworks, { jobProgress: {} }, false],
])(
  'a failed batch may be taken apart where nothing of it can have run: %s',
  (_name, failureOf, changes, isUntouched) => {
    expect(failureOf(changes)?.isUntouched ?? false).toBe(isUntouched);
    expect(failureOf(changes)).toMatchObject({ isQueueFull: false });
  },
);

it('names the lines that OpenAI names', () => {
  const { refusedLines } = openai({}) ?? {};
  expect(refusedLines).toEqual([{ position: 2, code: 'invalid_json_line', message }]);
});

it.each([
  { code: 'model_not_found', message },
  { code: 'billing_hard_limit_reached', message },
  { code: 'account_deactivated', message },
  { code: 'invalid_request', message: "The provided model 'x' is not supported by the Batch API." },
  { code: 'invalid_request', message: 'Your organization must be verified.' },
  { code: 'batch_failed', message: 'The role does not have permission to write to s3://bucket/out.' },
])('a batch is not taken apart where all lines share the reason: %j', (error) => {
  expect(openai({ errors: { data: [error] } })).not.toHaveProperty('isUntouched');
});

it.each([
  [400, 'requests.3.custom_id: too long; requests.17.params: no', [3, 17]],
  [400, 'The request body is not valid JSON', []],
  [413, 'Request exceeds the maximum size', []],
])('a creation that carried its lines may be taken apart after HTTP %i: %s', async (status, text, places) => {
  const error = Object.assign(new Error(text), { status, error: { type: 'invalid_request_error' } });
  const namedLines = (said: string) => [...said.matchAll(/requests\.(\d+)/g)].map(([, place]) => Number(place));
  const refuse = () => Promise.reject(error);
  const refusal = { outcome: 'refused', code: 'invalid_request_error', message: text };
  expect(await createOutcome('Anthropic', refuse)).toEqual(refusal);
  const refusedLines = places.map((position) => ({ position, code: refusal.code, message: text }));
  expect(await createOutcome('Anthropic', refuse, namedLines)).toEqual({ ...refusal, isUntouched: true, refusedLines });
});

it.each([
  [404, 'not_found_error', 'model: claude-9'],
  [403, 'permission_error', 'Your API key may not do that.'],
  [400, 'invalid_request_error', 'requests.0.params.model: unknown'],
])('a creation is not taken apart after HTTP %i, %s: %s', async (status, type, text) => {
  const error = Object.assign(new Error(text), { status, error: { type } });
  const outcome = await createOutcome(
    'Anthropic',
    () => Promise.reject(error),
    () => [],
  );
  expect(outcome).not.toHaveProperty('isUntouched');
});

it('an upload may be taken apart that was too large, and none that was refused otherwise', () => {
  const refused = (status: number) => uploadFailure(Object.assign(new Error('no'), { status, error: {} }), 'Uploading');
  expect(refused(413)).toMatchObject({ outcome: 'refused', isUntouched: true });
  expect(refused(400)).not.toHaveProperty('isUntouched');
});

const full = { errors: { data: [{ code: 'token_limit_exceeded', message }] } };
const unpaid = { errors: { data: [{ code: 'billing_hard_limit_reached', message }] } };
const lowCredit = 'Your prepayment credits are depleted. Please go to AI Studio.';
const exhausted = { code: 8, message: 'Too much is waiting.' };
const wasBegun = { in_progress_at: 1_790_000_000, request_counts: { ...none, total: 8 } };
const pending = { batchStats: { requestCount: '8', pendingRequestCount: '8' } };

it.each([
  ['OpenAI, whose queue is full', openai, full, true],
  ['OpenAI, whose queue is full of what it began', openai, { ...full, ...wasBegun }, false],
  ['OpenAI, which was full and has answers', openai, { ...full, request_counts: { ...none, completed: 3 } }, false],
  ['a server of one’s own, whose queue is full', ownServer, full, true],
  ['a server of one’s own, full and without the field', ownServer, { ...full, in_progress_at: undefined }, true],
  ['a server of one’s own, full and without counts', ownServer, { ...full, request_counts: null }, true],
  ['a server of one’s own, which was full and began', ownServer, { ...full, ...wasBegun }, false],
  ['a server of one’s own, which was full and has a file', ownServer, { ...full, output_file_id: 'file-1' }, false],
  ['OpenAI, which is not paid', openai, unpaid, true],
  ['OpenAI, which is not paid for what it began', openai, { ...unpaid, ...wasBegun }, false],
  ['a server of one’s own, which is not paid', ownServer, unpaid, false],
  ['Mistral, which is not paid', mistral, { errors: [{ message: lowCredit }] }, true],
  ['Mistral, which had started', mistral, { errors: [{ message: lowCredit }], started_at: 1_790_000_000 }, false],
  ['Mistral, which does not say when', mistral, { errors: [{ message: lowCredit }], started_at: undefined }, false],
  ['Mistral, without counts', mistral, { errors: [{ message: lowCredit }], failed_requests: undefined }, false],
  ['Gemini, which is full', (changes: object) => gemini(changes, exhausted), pending, true],
  ['Gemini, full and without counts', (changes: object) => gemini(changes, exhausted), { batchStats: null }, false],
  ['Gemini, which is not paid', (changes: object) => gemini(changes, { code: 9, message: lowCredit }), pending, true],
  ['Vertex, which is full', vertex, { error: exhausted }, true],
  ['Vertex, which was full and had started', vertex, { error: exhausted, startTime: '2026-11-30T10:00:00Z' }, false],
  [
    'Fireworks, which proves nothing',
    fireworks,
    { status: { code: 'FAILED', message: 'Account a is suspended' } },
    false,
  ],
])(
  'a failed batch may be sent again where nothing of it can have run: %s',
  (_name, failureOf, changes, isQueueFull) => {
    expect(failureOf(changes)).toMatchObject({ isQueueFull });
    expect(failureOf(changes)).not.toHaveProperty('isUntouched');
  },
);
