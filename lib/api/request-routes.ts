import { Hono } from 'hono';
import { z } from 'zod';
import { batchRequestSchema, requestPageSchema, requestStatuses } from '../records/batch-request.ts';
import { batchErrorsSchema } from '../records/error-group.ts';
import { shardViewSchema } from '../records/shard-view.ts';
import { listBatchShards } from '../service/batch-details.ts';
import { batchErrors } from '../service/requests/batch-errors.ts';
import { listRequests, retrieveRequest } from '../service/requests/list-requests.ts';
import { shardView } from '../service/shard-view.ts';
import type { ApiEnvironment } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { shardsAfterParameter, shardsBehind } from './batch-view.ts';
import { limitParameter, listObject, listSchema, readKnownQuery } from './list-object.ts';
import { requestedBatch, tenantParameter } from './requested-batch.ts';
import { revalidated } from './revalidated.ts';
import { tenantAsked } from './tenant-asked.ts';

/** With the longest errors a page of shards stays below the 6 MB that Lambda takes of one. */
const maxShards = 1_000;
const maxRequests = 100;

/** Lines of a batch: more than any input has. */
const line = z.coerce.number().int().min(1).max(4_294_967_295);

export const shardListQuerySchema = z.object({
  after: shardsAfterParameter,
  limit: limitParameter(maxShards, 100),
  tenant: tenantParameter,
});

export const shardListSchema = z
  .object({
    ...listSchema(z.object(shardViewSchema.shape)).shape,
    batchdrop: z.object({ total: z.number().int().describe('Shards of the batch, those of all rounds') }),
  })
  .meta({ id: 'BatchShardList' });

export const errorsQuerySchema = z.object({ tenant: tenantParameter });

export const errorsSchema = z.object(batchErrorsSchema.shape).meta({ id: 'BatchErrors' });

export const requestListQuerySchema = z.object({
  after: line.optional().describe('The line behind which the page begins'),
  limit: limitParameter(maxRequests, 20),
  status: z.enum(requestStatuses).optional(),
  code: z.string().min(1).max(200).optional().describe("Of a failed request's error"),
  q: z.string().min(1).max(200).optional().describe('A text in custom_id, request or response, in any case'),
});

export const requestSchema = z.object(batchRequestSchema.shape).meta({ id: 'BatchRequest' });

export const requestListSchema = z
  .object({ ...listSchema(requestSchema).shape, batchdrop: z.object(requestPageSchema.shape) })
  .meta({ id: 'BatchRequestList' });

export const noQuerySchema = z.object({});

/** `/v1/batches/{id}/shards`, `/errors` and `/requests` */
export function requestRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.get('/:batchId/shards', revalidated, async (context) => {
    const { services } = context.var;
    const { after, limit, tenant } = readKnownQuery(context.req.query(), shardListQuerySchema);
    const batch = await requestedBatch(context, tenantAsked(context, tenant));
    const all = await listBatchShards(services, batch);
    const behind = shardsBehind(all, after);
    const items = behind.slice(0, limit).map((shard) => shardView(services, batch, shard));
    const list = listObject({ items, hasMore: behind.length > limit }, (shard) => shard);
    return context.json({ ...list, batchdrop: { total: all.length } });
  });

  routes.get('/:batchId/errors', revalidated, async (context) => {
    const { tenant } = readKnownQuery(context.req.query(), errorsQuerySchema);
    const batch = await requestedBatch(context, tenantAsked(context, tenant));
    return context.json(await batchErrors(context.var.services, batch));
  });

  // What requests and answers say is their own tenant's, whoever asks.
  routes.get('/:batchId/requests', revalidated, async (context) => {
    const { after = 0, ...query } = readKnownQuery(context.req.query(), requestListQuerySchema);
    assertCodeOfFailed(query);
    const batch = await requestedBatch(context);
    const { requests: items, page } = await listRequests(context.var.services, batch, { after, ...query });
    const list = listObject({ items, hasMore: page.next !== null }, (request) => request);
    return context.json({ ...list, batchdrop: page });
  });

  routes.get('/:batchId/requests/:line', revalidated, async (context) => {
    const { services, settings } = context.var;
    readKnownQuery(context.req.query(), noQuerySchema);
    const batch = await requestedBatch(context);
    return context.json(
      await retrieveRequest(services, batch, lineOf(context.req.param('line')), settings.maxContentBytes),
    );
  });

  return routes;
}

function assertCodeOfFailed({ code, status }: z.output<typeof requestListQuerySchema>): void {
  if (code === undefined || status === undefined || status === 'failed') return;
  const message = `'code' is of failed requests, and 'status' is '${status}': leave one of them out.`;
  throw new ApiError(400, message, { param: 'code', code: 'invalid_value' });
}

function lineOf(text: string): number {
  const read = line.safeParse(text);
  if (read.success && /^\d+$/.test(text)) return read.data;
  throw new ApiError(400, `Invalid 'line': '${text.slice(0, 100)}' is no line. Lines are counted from 1.`, {
    param: 'line',
    code: 'invalid_value',
  });
}
