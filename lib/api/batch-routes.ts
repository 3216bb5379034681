import { Hono } from 'hono';
import { z } from 'zod';
import type { BatchRecord } from '../records/batch.ts';
import { isHeaderKey } from '../records/idempotency-key.ts';
import { batchDetails } from '../service/batch-details.ts';
import { cancelBatch } from '../service/cancel-batch.ts';
import { collectBatch } from '../service/collect-batch.ts';
import { createBatch } from '../service/create-batch.ts';
import { listBatches } from '../service/list-batches.ts';
import { retryBatch } from '../service/retry-batch.ts';
import { shardErrors, shardOutput } from '../service/shard-output.ts';
import type { ApiContext, ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { batchFilter, batchFilterParameters, withMetadata } from './batch-filter.ts';
import { batchView, batchViewSchema, listedBatchView, shardsAfterParameter } from './batch-view.ts';
import { createBatchBodySchema, createBatchRequest } from './create-batch-body.ts';
import { sendDownload } from './download.ts';
import { limitParameter, listObject, listSchema, readMeantQuery, readQuery } from './list-object.ts';
import { readBody } from './request-body.ts';
import { requestedBatch, tenantParameter } from './requested-batch.ts';
import { revalidated } from './revalidated.ts';
import { tenantAsked } from './tenant-asked.ts';

/** How long providers may take to hear of a cancellation; whom it did not reach, the next poll tells. */
const cancelMs = 10_000;

export const batchListQuerySchema = z.object({
  after: z.string().optional(),
  limit: limitParameter(100, 20),
  tenant: tenantParameter,
  ...batchFilterParameters,
});

export const batchListSchema = z
  .object({
    ...listSchema(batchViewSchema).shape,
    batchdrop: z
      .object({
        looked: z.number().int().describe('How many batches were looked at for this page'),
        looked_to: z.number().int().nullable().describe('When the last of them was made; Unix timestamp, in seconds'),
        next: z.string().nullable().describe('To be given as `after`; null at the end'),
      })
      .describe('A filter looks at a thousand batches at most, so a page may be short or empty although there is more'),
  })
  .meta({ id: 'BatchList' });

export const batchQuerySchema = z.object({ tenant: tenantParameter, shards_after: shardsAfterParameter });

/** `/v1/batches` */
export function batchRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.post('/', async (context) => {
    const { services, tenant, apiKeyId } = context.var;
    const { given, body } = await readBody(context, createBatchBodySchema);
    const request = createBatchRequest(services, given, body, idempotencyKey(context));
    const origin = { tenant, apiKeyId, retryCount: retryCount(context) };
    const { batch, isRepeated } = await createBatch(services, { ...origin, ...request });
    return respond(context, batch, { repeated: isRepeated });
  });

  routes.get('/', revalidated, async (context) => {
    const { services } = context.var;
    const query = readMeantQuery(withMetadata(context.req.query()), batchListQuerySchema);
    const request = { ...batchFilter(query), limit: query.limit, after: query.after };
    const page = await listBatches(services, tenantAsked(context, query.tenant), request);
    const list = listObject(page, (batch) => listedBatchView(services, batch));
    const looked = { looked: page.looked, looked_to: page.last?.createdAt ?? null };
    return context.json({
      ...list,
      batchdrop: { ...looked, next: page.hasMore ? (page.last?.id ?? null) : null },
    } satisfies z.input<typeof batchListSchema>);
  });

  routes.get('/:batchId', revalidated, async (context) => {
    const { tenant, shards_after: shardsAfter } = readQuery(context.req.query(), batchQuerySchema);
    const { services } = context.var;
    const batch = await requestedBatch(context, tenantAsked(context, tenant));
    return context.json(batchView(services, batch, await batchDetails(services, batch), shardsAfter));
  });

  routes.post('/:batchId/cancel', async (context) => {
    const { id } = await requestedBatch(context);
    return respond(context, await cancelBatch(context.var.services, id, AbortSignal.timeout(cancelMs)));
  });

  routes.post('/:batchId/retry', async (context) =>
    respond(context, await retryBatch(context.var.services, await requestedBatch(context), context.var.apiKeyId)),
  );

  routes.post('/:batchId/collect', async (context) =>
    respond(context, await collectBatch(context.var.services, await requestedBatch(context))),
  );

  const ofShard = { output: shardOutput, errors: shardErrors };
  for (const [what, open] of Object.entries(ofShard))
    routes.get(`/:batchId/shards/:round/:shard/${what}`, async (context) => {
      const batch = await requestedBatch(context);
      const place = {
        round: shardNumberOf(context.req.param('round')),
        shard: shardNumberOf(context.req.param('shard')),
      };
      const { services, settings } = context.var;
      return sendDownload(context, await open(services, batch, place, settings.maxContentBytes));
    });

  return routes;
}

/** What is no number is no shard's. */
function shardNumberOf(text: string): number {
  return /^\d{1,7}$/.test(text) ? Number(text) : -1;
}

async function respond(context: ApiContext, batch: BatchRecord, said: { repeated?: boolean } = {}): Promise<Response> {
  const { services } = context.var;
  const view = batchView(services, batch, await batchDetails(services, batch));
  return context.json({ ...view, batchdrop: { ...view.batchdrop, ...said } });
}

/** How often an official client has sent this request before. */
export function retryCount(context: ApiContext): number | null {
  const header = context.req.header('x-stainless-retry-count') ?? '';
  return /^\d{1,3}$/.test(header) ? Number(header) : null;
}

function idempotencyKey(context: ApiContext): string | undefined {
  const key = context.req.header('idempotency-key');
  if (key === undefined || isHeaderKey(key)) return key;
  const message = 'The Idempotency-Key header must have 1 to 255 printable ASCII characters.';
  throw new ApiError(400, message, { param: 'idempotency_key', code: 'invalid_value' });
}
