import { z } from 'zod';
import { isObject } from '../../records/json.ts';
import { type Dialect, openAIWays } from '../openai-family/dialect.ts';

/** Its SDK's types name an array; a page of OpenAI's would do. */
const listSchema = z.array(z.unknown()).or(z.object({ data: z.array(z.unknown()) }).transform(({ data }) => data));

/**
 * Together's batches. Source: together-typescript's `batches.ts` and https://docs.together.ai/docs/inference/batch/manage,
 * read 2026-11. The upload's path: togethercomputer/openapi of
 * 2026-04-28. The order of the list is said nowhere, so all of it is searched.
 */
export const togetherDialect: Dialect = {
  ...openAIWays,
  service: 'Together',
  baseUrl: 'https://api.together.xyz/v1',
  uploadPath: '/files/upload',
  uploadFields: (fileName) => ({ purpose: 'batch-api', file_name: fileName, file_type: 'jsonl' }),
  creation: ({ endpoint }, inputFileId) => ({ input_file_id: inputFileId, endpoint, completion_window: '24h' }),
  batchFrom,
  list: {
    query: () => ({}),
    pageFrom: (reply) => ({ batches: listSchema.parse(reply), next: null }),
    goesOnBehindIds: false,
  },
  // It counts nothing, and does not say when a job began.
  verifiesBySize: true,
  showsStart: false,
};

/** Its creation answers `{job, warning}`, everything else the job itself. */
function batchFrom(reply: unknown): unknown {
  if (!isObject(reply)) return reply;
  const job = isObject(reply.job) ? reply.job : reply;
  return { ...job, model: job.model_id, expires_at: job.job_deadline, errors: errorsFrom(job.error) };
}

function errorsFrom(error: unknown): object | null {
  return typeof error === 'string' && error !== '' ? { data: [{ code: 'batch_failed', message: error }] } : null;
}
