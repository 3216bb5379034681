import type { BatchView } from '../batch-ledger.ts';
import type { JsonObject } from '../json.ts';
import { examine } from '../openai/endpoints.ts';
import { megabyte, openAIWire, smallPage, type WireDialect } from '../openai/wire-dialect.ts';

/** What OpenRouter's batches share with OpenAI's: the lines, what becomes of them, the list. Requests and results stand in the calls. */
export const openRouterWire: WireDialect = {
  ...openAIWire,
  kind: 'openrouter',
  limits: { maxRequests: 5_000, maxInputBytes: 200 * megabyte },
  isKnownModel: (model) => /^[\w.-]+\/[\w.:-]+$/.test(model) && !/\b(unknown|no-such)-/.test(model),
  namesModelWithBatch: true,
  examine: (endpoint, body) => examine(endpoint, { ...body, model: standIns[endpoint] ?? 'gpt-4o-mini' }),
  writesUnfinished: false,
  writesEmptyErrorFile: true,
  batch: openRouterBatch,
  page: smallPage,
};

/** By whose rules a request is answered, whatever the model is. */
const standIns: Record<string, string> = { '/v1/embeddings': 'text-embedding-3-small' };

/** The batch without its results. Source: `BatchObject` of @openrouter/sdk, read 2026-11. */
function openRouterBatch(openAI: JsonObject, { record, planned }: BatchView): JsonObject {
  const [error] = planned?.plan.errors ?? [];
  const finalizedAt = openAI.completed_at ?? openAI.failed_at ?? openAI.expired_at ?? openAI.cancelled_at;
  return {
    id: openAI.id,
    object: 'batch',
    endpoint: openAI.endpoint,
    model: record.model,
    completion_window: '24h',
    status: openAI.status,
    created_at: openAI.created_at,
    finalized_at: finalizedAt ?? null,
    request_counts: { ...countsOf(openAI.request_counts), total: record.requestCount },
    usage: openAI.usage,
    results: null,
    error: openAI.status === 'failed' && error !== undefined ? { message: error.message } : null,
  };
}

function countsOf(counts: unknown): JsonObject {
  return typeof counts === 'object' && counts !== null ? { ...counts } : {};
}
