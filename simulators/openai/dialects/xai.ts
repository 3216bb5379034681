import { z } from 'zod';
import type { BatchView } from '../../batch-ledger.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { isoTime, megabyte, openAIWire, type WireDialect } from '../wire-dialect.ts';

const creationSchema = z
  .strictObject({ name: z.string().min(1), input_file_id: z.string() })
  .transform(({ name, input_file_id }) => ({ input_file_id, endpoint: '/v1/chat/completions', metadata: { name } }));

/** No status, no purpose, no endpoint; a name, counts, bare dates, pages behind tokens and results in pages. */
export const xaiWire: WireDialect = {
  ...openAIWire,
  kind: 'xai',
  inputPurpose: '',
  creation: creationSchema,
  limits: { maxRequests: 100_000, maxInputBytes: 200 * megabyte },
  isKnownModel: (model) => model.startsWith('grok-'),
  batch: xaiBatch,
  page: { defaultLimit: 20, maxLimit: 20, isCapped: true, placeParameter: 'pagination_token' },
  list: (page, batches) => ({ batches, pagination_token: page.hasMore ? page.items.at(-1)?.id : null }),
  cancelPath: '/batches/:batchId:cancel',
  pagesResults: true,
};

const derivable = new Set(['validating', 'in_progress', 'finalizing', 'completed', 'failed', 'expired']);
const cancels = new Set(['cancelling', 'cancelled', 'failed']);

function xaiBatch(openAI: JsonObject, { record }: BatchView): JsonObject {
  const status = String(openAI.status);
  const isDerivable = derivable.has(status) || cancels.has(status);
  return {
    batch_id: openAI.id,
    name: record.metadata?.name ?? '',
    input_file_id: openAI.input_file_id,
    create_time: dateOf(openAI.created_at),
    expire_time: status === 'expired' ? isoTime(openAI.expired_at) : dateOf(openAI.expires_at),
    cancel_time: cancels.has(status) ? dateOf(openAI.cancelling_at ?? openAI.failed_at) : null,
    cancel_by_xai_message: status === 'failed' ? messageOf(openAI.errors) : null,
    // What takes the place of a status that nobody knows.
    state: isDerivable ? stateOf(status, openAI.request_counts) : { phase: status },
  };
}

function stateOf(status: string, counts: unknown): JsonObject {
  const [total, completed, failed] = ['total', 'completed', 'failed'].map((name) =>
    isJsonObject(counts) ? Number(counts[name]) : 0,
  );
  const unfinished = (total ?? 0) - (completed ?? 0) - (failed ?? 0);
  // Results are there as soon as nothing is pending.
  const isLate = status === 'finalizing' || status === 'cancelling' || status === 'in_progress';
  return {
    num_requests: total,
    num_pending: status === 'cancelled' ? 0 : Math.max(unfinished, isLate && total ? 1 : 0),
    num_success: completed,
    num_error: failed,
    num_cancelled: status === 'cancelled' ? unfinished : 0,
  };
}

function messageOf(errors: unknown): string {
  const data = isJsonObject(errors) && Array.isArray(errors.data) ? errors.data : [];
  const first: unknown = data[0];
  return `JSONL file validation failed: ${isJsonObject(first) ? first.message : 'unknown'}`;
}

function dateOf(unixSeconds: unknown): string | null {
  return isoTime(unixSeconds)?.slice(0, 10) ?? null;
}
