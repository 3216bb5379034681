import { z } from 'zod';
import type { JsonObject } from '../../json.ts';
import { createBatchBodySchema } from '../create-batch-body.ts';
import { bearerKey, isoTime, megabyte, openAIWire, smallPage, type WireDialect } from '../wire-dialect.ts';

/** Azure's tolerances are its client's burden: capitals, dates, nulls, an error file that is there and empty. */
export const azureWire: WireDialect = {
  ...openAIWire,
  kind: 'azure',
  root: '/openai/v1',
  keyIn: (headers) => headers['api-key']?.toString() ?? bearerKey(headers),
  creation: createBatchBodySchema.extend({ endpoint: z.enum(['/v1/chat/completions', '/v1/responses']) }),
  limits: { maxRequests: 100_000, maxInputBytes: 200 * megabyte },
  isKnownModel: (model) => /^[\w.-]{2,64}$/.test(model) && model !== 'no-such-deployment',
  foreignUrlCode: 'url_mismatch',
  refusesByteOrderMark: true,
  writesEmptyErrorFile: true,
  batch: azureBatch,
  page: smallPage,
};

const capitalised: Record<string, string> = {
  validating: 'Validating',
  in_progress: 'InProgress',
  finalizing: 'Finalizing',
  completed: 'Completed',
  failed: 'Failed',
  expired: 'Expired',
  cancelling: 'Cancelling',
  cancelled: 'Cancelled',
};

function azureBatch(openAI: JsonObject): JsonObject {
  const status = String(openAI.status);
  const times = Object.entries(openAI).filter(([name]) => name.endsWith('_at'));
  return {
    ...openAI,
    ...Object.fromEntries(times.map(([name, time]) => [name, isoTime(time)])),
    status: capitalised[status] ?? status,
    request_counts: status === 'validating' ? { total: null, completed: null, failed: null } : openAI.request_counts,
    output_file_id: openAI.output_file_id ?? '',
    error_file_id: openAI.error_file_id ?? '',
    errors: openAI.errors ?? { object: 'list', data: null },
  };
}
