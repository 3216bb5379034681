import { Hono } from 'hono';
import { z } from 'zod';
import { attachment } from '../../records/attachment.ts';
import type { BatchRecord } from '../../records/batch.ts';
import { InvalidInputError } from '../../records/errors.ts';
import { isHeaderKey } from '../../records/idempotency-key.ts';
import { batchIdOfMessages, messageBatchIdOf } from '../../records/ids.ts';
import { hasEnded } from '../../records/openai-batch.ts';
import { cancelBatch } from '../../service/cancel-batch.ts';
import { noteThatKnown } from '../../service/create-batch.ts';
import { opened } from '../../service/download.ts';
import { IncomingRequests, type ReceivedRequests } from '../../service/incoming-requests.ts';
import {
  createMessageBatch,
  deleteMessageBatch,
  getMessageBatch,
  listMessageBatches,
  readMessageResults,
} from '../../service/message-batches.ts';
import type { ApiContext, ApiEnvironment } from '../api-environment.ts';
import { ApiError } from '../api-error.ts';
import { retryCount } from '../batch-routes.ts';
import { hashOf } from '../create-batch-body.ts';
import { redirect, sendDownload } from '../download.ts';
import { assertKnownParameters, assertOneCursor, limitParameter, readQuery } from '../list-object.ts';
import { bodyChunks } from '../request-body.ts';
import { betasIn, messageBatchOptions, optionsHeader } from './create-options.ts';
import { messageBatchSchema, messageBatchView } from './message-batch-view.ts';

/** How long providers may take to hear of a cancellation; whom it did not reach, the next poll tells. */
const cancelMs = 10_000;
/** Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing, read 2026-11. */
const maxBodyBytes = 256_000_000;

export const messageBatchListQuerySchema = z.object({
  after_id: z.string().optional(),
  before_id: z.string().optional(),
  limit: limitParameter(1_000, 20),
});

export const createMessageBatchBodySchema = z
  .looseObject({
    requests: z
      .array(z.object({ custom_id: z.string().max(64), params: z.looseObject({}) }))
      .min(1)
      .describe('Each in the form of POST /v1/messages at Anthropic, for any model that the deployment routes'),
  })
  .describe('Beside `requests`, any option of a batch')
  .meta({ id: 'CreateMessageBatchRequest' });

export const messageBatchListSchema = z
  .object({
    data: z.array(messageBatchSchema),
    has_more: z.boolean(),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
  })
  .meta({ id: 'MessageBatchList' });

export const deletedMessageBatchSchema = z
  .object({ id: z.string(), type: z.literal('message_batch_deleted') })
  .meta({ id: 'DeletedMessageBatch' });

/** `/v1/messages/batches` */
export function messageBatchRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.use(refuseUnknownParameters);

  routes.post('/', async (context) => respond(context, await create(context)));

  routes.get('/', async (context) => {
    const { services, tenant } = context.var;
    const query = readQuery(context.req.query(), messageBatchListQuerySchema);
    assertOneCursor(query);
    const { limit, after_id, before_id } = query;
    const [afterId, beforeId] = [after_id, before_id].map((id) => id && batchIdOfMessages(id));
    const page = await listMessageBatches(services, tenant, { limit, afterId, beforeId });
    const data = page.items.map((batch) => messageBatchView(batch, baseOf(context)));
    const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
    return context.json({ data, has_more: page.hasMore, ...ends });
  });

  routes.get('/:batchId', async (context) => {
    const batch = await requestedBatch(context);
    if (!hasEnded(batch.status)) context.header('retry-after', String(secondsToNextLook));
    return respond(context, batch);
  });

  routes.post('/:batchId/cancel', async (context) => {
    const { id, status } = await requestedBatch(context);
    if (hasEnded(status) && status !== 'cancelled') throw notCancelled(id);
    return respond(context, await cancelBatch(context.var.services, id, AbortSignal.timeout(cancelMs)));
  });

  routes.delete('/:batchId', async (context) => {
    const batch = await requestedBatch(context);
    await deleteMessageBatch(context.var.services, batch);
    return context.json({ id: messageBatchIdOf(batch.id), type: 'message_batch_deleted' });
  });

  routes.get('/:batchId/results', async (context) => sendResults(context, await requestedBatch(context)));

  return routes;
}

/** A misspelt `limit` would give a list that looks complete. */
async function refuseUnknownParameters(context: ApiContext, next: () => Promise<void>): Promise<void> {
  const { path, method } = context.req;
  const isList = method === 'GET' && /\/batches\/?$/.test(path);
  assertKnownParameters(context.req.query(), [
    ...(isList ? Object.keys(messageBatchListQuerySchema.shape) : []),
    ...(path.endsWith('/results') ? [mergedParameter] : []),
  ]);
  await next();
}

/** A redirect of ours says by it how far the results are. */
const mergedParameter = 'merged_bytes';

async function create(context: ApiContext): Promise<BatchRecord> {
  const { services, tenant, apiKeyId } = context.var;
  const key = idempotencyKey(context);
  const { batch } = await createMessageBatch(services, await receive(context), (others) => {
    const header = context.req.header(optionsHeader);
    const { options, taskToken, asked } = messageBatchOptions(services, others, header, key);
    const { task_token: _new, idempotency_key: _apart, ...compared } = asked;
    const hashWith = (input: string) => hashOf({ ...compared, messages: input });
    return { tenant, options, taskToken, hashWith, apiKeyId, retryCount: retryCount(context) };
  });
  return batch;
}

/** Reads the body into a file; what is refused leaves nothing. */
async function receive(context: ApiContext): Promise<ReceivedRequests> {
  const { services, settings, tenant } = context.var;
  const limit = Math.min(maxBodyBytes, settings.maxFileBytes);
  assertJson(context);
  const requests = new IncomingRequests(services, betasIn(context.req.header('anthropic-beta')));
  let bytes = 0;
  try {
    for await (const chunk of bodyChunks(context)) {
      bytes += chunk.length;
      if (bytes > limit) throw tooLarge(limit);
      await requests.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    }
    return await requests.commit(tenant);
  } catch (error) {
    await requests.abort();
    throw error;
  }
}

function assertJson(context: ApiContext): void {
  if (/^application\/json\s*(?:;|$)/i.test(context.req.header('content-type') ?? '')) return;
  throw new ApiError(415, "content-type: must be 'application/json'");
}

function tooLarge(limit: number): ApiError {
  const message = `The request is larger than the ${limit} bytes that one may have here. Send more requests through \`batchdrop serve\`, by POST /v1/uploads and POST /v1/batches, or drop them into the bucket as a .jsonl file of {custom_id, params} lines.`;
  return new ApiError(413, message);
}

function notCancelled(id: string): InvalidInputError {
  const message = `Batch ${messageBatchIdOf(id)} cannot be canceled because it has already finished processing.`;
  return new InvalidInputError('invalid_request', message);
}

function idempotencyKey(context: ApiContext): string | undefined {
  const key = context.req.header('idempotency-key');
  if (key === undefined || isHeaderKey(key)) return key;
  throw new ApiError(400, 'idempotency-key: must have 1 to 255 printable ASCII characters');
}

async function requestedBatch(context: ApiContext): Promise<BatchRecord> {
  const { services, tenant } = context.var;
  const batch = await getMessageBatch(services, tenant, batchIdOfMessages(context.req.param('batchId') ?? ''));
  await noteThatKnown(services, batch);
  return batch;
}

function respond(context: ApiContext, batch: BatchRecord): Response {
  return context.json(messageBatchView(batch, baseOf(context)));
}

/** What the client wrote before `/v1`: where it reached us. */
function baseOf(context: ApiContext): string {
  const { origin, pathname } = new URL(context.req.url);
  return origin + pathname.slice(0, pathname.indexOf('/v1/'));
}

async function sendResults(context: ApiContext, batch: BatchRecord): Promise<Response> {
  const { services, settings } = context.var;
  if (!hasEnded(batch.status))
    throw new ApiError(404, `${messageBatchIdOf(batch.id)} has no results yet: it is being processed.`);
  const { maxContentBytes: maxBytes, mergeBudgetMs } = settings;
  const results = await readMessageResults(services, batch, { maxBytes, mergeBudgetMs });
  if ('mergedBytes' in results) return redirect(context, `results?${mergedParameter}=${results.mergedBytes}`);
  if (!('lines' in results)) return sendDownload(context, results);
  context.header('content-type', resultsType);
  context.header('content-disposition', attachment(`${messageBatchIdOf(batch.id)}_results.jsonl`));
  return context.body(ReadableStream.from(await opened(results.lines)));
}

/** As Anthropic says it of a batch that has not ended. */
const secondsToNextLook = 10;

/** What Anthropic calls JSON lines; a download has no other type here. */
const resultsType = 'application/x-jsonl';
