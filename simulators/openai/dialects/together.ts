import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { isoTime, megabyte, openAIWire, type WireDialect } from '../wire-dialect.ts';

const creationSchema = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.enum(['/v1/chat/completions']),
  completion_window: z.enum(['24h']).optional(),
});

/** A wrapped creation, upper case, dates; no metadata, no counts and no pages. */
export const togetherWire: WireDialect = {
  ...openAIWire,
  kind: 'together',
  uploadPath: '/files/upload',
  inputPurpose: 'batch-api',
  creation: creationSchema,
  limits: { maxRequests: 50_000, maxInputBytes: 100 * megabyte },
  isKnownModel: (model) => /^[\w.-]+\/[\w.-]+$/.test(model),
  batch: togetherBatch,
  created: (job) => ({ job, warning: '' }),
  page: { defaultLimit: 100_000, maxLimit: 100_000, isCapped: true, placeParameter: 'after' },
  list: (_page, batches) => batches,
};

const statuses: Record<string, string> = {
  validating: 'VALIDATING',
  in_progress: 'IN_PROGRESS',
  finalizing: 'IN_PROGRESS',
  cancelling: 'IN_PROGRESS',
  completed: 'COMPLETED',
  failed: 'FAILED',
  expired: 'EXPIRED',
  cancelled: 'CANCELLED',
};

function togetherBatch(openAI: JsonObject): JsonObject {
  const status = String(openAI.status);
  return {
    id: openAI.id,
    user_id: 'user-simulator',
    input_file_id: openAI.input_file_id,
    status: statuses[status] ?? status,
    job_deadline: isoTime(openAI.expires_at),
    created_at: isoTime(openAI.created_at),
    completed_at: isoTime(openAI.completed_at),
    endpoint: openAI.endpoint,
    progress: status === 'completed' ? 100 : 0,
    model_id: openAI.model,
    output_file_id: openAI.output_file_id ?? undefined,
    error_file_id: openAI.error_file_id ?? undefined,
    error: firstError(openAI.errors),
  };
}

function firstError(errors: unknown): unknown {
  const data = isJsonObject(errors) && Array.isArray(errors.data) ? errors.data : [];
  const first: unknown = data[0];
  return isJsonObject(first) ? first.message : undefined;
}
