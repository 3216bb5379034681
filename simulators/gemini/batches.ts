import { z } from 'zod';
import type { BatchRecord } from '../batch-record.ts';
import { acceptBatch, cancelBatch, listPage, ok, strikeRetrieval } from '../google/batch-calls.ts';
import { errorReply } from '../google/error-reply.ts';
import { liveAnswer } from '../google/live-answer.ts';
import type { GoogleDesk } from '../google/service.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { parseJson } from '../json.ts';
import { SeededRandom } from '../seeded-random.ts';
import { uniqueHex } from '../unique-id.ts';
import { liveAnswerOf } from './batch-work.ts';
import { resultFileName, wireOperation } from './wire-operation.ts';

const maxCreateBytes = 1024 * 1024;

/** The SDK writes one name as protobuf does, the other as JSON; both are the same to Google. */
const inputConfigSchema = z
  .union([z.strictObject({ fileName: z.string() }), z.strictObject({ file_name: z.string() })])
  .transform((input) => ('fileName' in input ? input.fileName : input.file_name));

const createSchema = z.strictObject({
  batch: z.strictObject({
    displayName: z.string().min(1),
    inputConfig: inputConfigSchema,
    priority: z.string().optional(),
  }),
});

/** Methods of a model that create a batch, and for what. */
const batchMethods: Record<string, string> = {
  batchGenerateContent: '/v1/chat/completions',
  asyncBatchEmbedContent: '/v1/embeddings',
};

/** Methods that answer at once. */
const liveMethods: Record<string, string> = {
  generateContent: '/v1/chat/completions',
  embedContent: '/v1/embeddings',
};

export function batchRoutes(desk: GoogleDesk): Route[] {
  return [
    { method: 'POST', path: '/v1beta/models/:call', answer: (exchange) => callModel(desk, exchange) },
    { method: 'GET', path: '/v1beta/batches', answer: (exchange) => listBatches(desk, exchange) },
    { method: 'GET', path: '/v1beta/batches/:batchId', answer: (exchange) => retrieveBatch(desk, exchange) },
    { method: 'POST', path: '/v1beta/batches/:call', answer: (exchange) => callBatch(desk, exchange) },
  ];
}

async function callModel(desk: GoogleDesk, exchange: Exchange): Promise<JsonReply> {
  const [model = '', method = ''] = (exchange.params.call ?? '').split(':');
  const isKnown = /^gemini-/.test(model);
  const [batchEndpoint, liveEndpoint] = [batchMethods[method], liveMethods[method]];
  if (isKnown && batchEndpoint !== undefined) return await createBatch(desk, exchange, model, batchEndpoint);
  if (isKnown && liveEndpoint !== undefined)
    return await desk.live.serve(exchange, { endpoint: liveEndpoint, model }, (request) =>
      liveAnswer(liveAnswerOf(liveEndpoint, model, request, new SeededRandom(uniqueHex('', 32)))),
    );
  throw new RefusedCall(
    errorReply(404, `models/${model} is not found for API version v1beta, or is not supported for ${method}.`),
  );
}

async function createBatch(desk: GoogleDesk, exchange: Exchange, model: string, endpoint: string): Promise<JsonReply> {
  const body = await readBody(exchange.request, maxCreateBytes, errorReply(400));
  const parsed = createSchema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success)
    throw new RefusedCall(errorReply(400, `Invalid JSON payload received. ${z.prettifyError(parsed.error)}`));
  const { displayName, inputConfig: inputFileId } = parsed.data.batch;
  const record = await acceptBatch(desk, exchange, {
    id: uniqueHex('', 32),
    endpoint,
    model,
    idName: 'key',
    inputFileId,
    input: desk.shelf.find(inputFileId.replace(/^files\//, '')),
    metadata: { displayName },
  });
  return ok(wireOperation({ record, planned: null, sums: null }, record.createdAtMs));
}

async function listBatches(desk: GoogleDesk, exchange: Exchange): Promise<JsonReply> {
  const { records, ...next } = await listPage(desk, exchange, () => true);
  const operations = await Promise.all(records.map((record) => operationOf(desk, record)));
  return ok({ ...(operations.length > 0 && { operations }), ...next });
}

async function retrieveBatch(desk: GoogleDesk, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(desk, exchange.params.batchId ?? '');
  await strikeRetrieval(desk, exchange, record);
  return ok(await operationOf(desk, record));
}

async function callBatch(desk: GoogleDesk, exchange: Exchange): Promise<JsonReply> {
  const [id = '', method] = (exchange.params.call ?? '').split(':');
  if (method !== 'cancel') throw new RefusedCall(errorReply(404));
  return await cancelBatch(desk, exchange, findBatch(desk, id));
}

/** The batch as it is now; its results are put on the shelf before their name is shown. */
async function operationOf(desk: GoogleDesk, record: BatchRecord): Promise<object> {
  const view = await desk.ledger.view(record);
  const id = resultFileName(record.id).replace(/^files\//, '');
  if (view.sums && view.sums.outputBytes !== null && !desk.shelf.has(id)) {
    desk.shelf.putResult({
      id,
      bytes: view.sums.outputBytes,
      createdAtMs: Date.now(),
      expiresAtMs: null,
      fileName: id,
      purpose: 'batch_output',
      contentPath: desk.ledger.paths(record.id).output,
      batchId: record.id,
    });
  }
  return wireOperation(view, Date.now());
}

function findBatch(desk: GoogleDesk, id: string): BatchRecord {
  const record = desk.ledger.find(id);
  if (record === undefined) throw new RefusedCall(errorReply(404));
  return record;
}
