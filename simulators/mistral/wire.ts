import { z } from 'zod';
import type { BatchView } from '../batch-ledger.ts';
import { RefusedCall } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import { errorReply, invalidRequest } from '../openai/error-reply.ts';
import type { Page } from '../openai/list-page.ts';
import { openAIWire, type WireDialect } from '../openai/wire-dialect.ts';
import { endpoints, examine } from './endpoints.ts';

/** As @mistralai/mistralai 2.7 writes a `CreateBatchJobRequest`; inline requests are not simulated. */
const creationSchema = z
  .strictObject({
    input_files: z.array(z.string()).length(1),
    endpoint: z.enum(endpoints),
    model: z.string(),
    metadata: z.record(z.string(), z.string()).nullish(),
    timeout_hours: z.int().min(1).max(168).default(24),
  })
  .transform(({ input_files: [inputFile = ''], endpoint, model, metadata }) => ({
    input_file_id: inputFile,
    endpoint,
    model,
    metadata,
  }));

/** Mistral's batch jobs and files. Source: @mistralai/mistralai 2.7, read 2026-11. */
export const mistralWire: WireDialect = {
  ...openAIWire,
  kind: 'mistral',
  baseUrlPath: '',
  batchesPath: '/batch/jobs',
  cancelPath: '/batch/jobs/:batchId/cancel',
  creation: creationSchema,
  limits: { maxRequests: 1_000_000, maxInputBytes: 512 * 1024 * 1024 },
  isKnownModel: (model) =>
    /^(mistral|ministral|magistral|codestral|devstral|pixtral|voxtral|open-mi[sx]tral)-/.test(model),
  namesModelWithBatch: true,
  examine,
  errorBody: (error) => ({ object: 'error', ...error }),
  writesUnfinished: false,
  file: wireFile,
  batch: wireJob,
  readPage: readNumberedPage,
  list: (page, jobs) => ({ data: jobs, object: 'list', total: page.total }),
};

const statusByOpenAI: Record<string, string> = {
  validating: 'QUEUED',
  in_progress: 'RUNNING',
  finalizing: 'RUNNING',
  completed: 'SUCCESS',
  failed: 'FAILED',
  expired: 'TIMEOUT_EXCEEDED',
  cancelling: 'CANCELLATION_REQUESTED',
  cancelled: 'CANCELLED',
};

const openAIBatch = z.object({
  id: z.string(),
  status: z.string(),
  endpoint: z.string(),
  input_file_id: z.string(),
  metadata: z.record(z.string(), z.string()).nullable(),
  output_file_id: z.string().nullable(),
  error_file_id: z.string().nullable(),
  errors: z.object({ data: z.array(z.object({ message: z.string() })) }).nullable(),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
  created_at: z.number(),
  in_progress_at: z.number().nullable(),
  completed_at: z.number().nullable(),
  failed_at: z.number().nullable(),
  expired_at: z.number().nullable(),
  cancelled_at: z.number().nullable(),
});

/** As @mistralai/mistralai 2.7 reads a `CreateFileResponse`. Results are files that nobody uploaded. */
function wireFile({ id, bytes, created_at, filename, purpose }: JsonObject): JsonObject {
  const isInput = purpose === 'batch';
  return {
    id,
    object: 'file',
    bytes,
    created_at,
    filename,
    purpose: 'batch',
    sample_type: isInput ? 'batch_request' : 'batch_result',
    num_lines: null,
    source: isInput ? 'upload' : 'mistral',
  };
}

function wireJob(openAI: JsonObject, { record }: BatchView): JsonObject {
  const batch = openAIBatch.parse(openAI);
  const { total, completed, failed } = batch.request_counts;
  return {
    id: batch.id,
    object: 'batch',
    input_files: [batch.input_file_id],
    metadata: batch.metadata,
    endpoint: batch.endpoint,
    model: record.model ?? null,
    agent_id: null,
    output_file: batch.output_file_id,
    error_file: batch.error_file_id,
    errors: (batch.errors?.data ?? []).map(({ message }) => ({ message, count: 1 })),
    outputs: null,
    status: statusByOpenAI[batch.status] ?? batch.status,
    created_at: batch.created_at,
    total_requests: total,
    completed_requests: completed + failed,
    succeeded_requests: completed,
    failed_requests: failed,
    started_at: batch.in_progress_at,
    completed_at: batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at,
  };
}

const maxPageSize = 100;

/** Pages by number, from 0. */
function readNumberedPage<Item>(items: Item[], query: URLSearchParams): Page<Item> {
  const size = wholeNumber(query, 'page_size', maxPageSize);
  const start = wholeNumber(query, 'page', 0) * size;
  return { items: items.slice(start, start + size), total: items.length, hasMore: start + size < items.length };
}

function wholeNumber(query: URLSearchParams, name: string, usual: number): number {
  const number = Number(query.get(name) ?? usual);
  if (Number.isInteger(number) && number >= 0 && (name === 'page' || number <= maxPageSize)) return number;
  throw new RefusedCall(errorReply(422, invalidRequest(`Invalid '${name}'.`, name)));
}
