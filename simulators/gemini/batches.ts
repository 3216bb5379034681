import { z } from 'zod';
import type { BatchRecord } from '../batch-record.ts';
import { acceptBatch, applyRetrievalFaults, cancelBatch, listPage, ok } from '../google/batch-calls.ts';
import { errorReply } from '../google/error-reply.ts';
import { liveAnswer } from '../google/live-answer.ts';
import type { GoogleBackend } from '../google/service.ts';
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

export function batchRoutes(backend: GoogleBackend): Route[] {
  return [
    { method: 'POST', path: '/v1beta/models/:call', answer: (exchange) => callModel(backend, exchange) },
    { method: 'GET', path: '/v1beta/batches', answer: (exchange) => listBatches(backend, exchange) },
    { method: 'GET', path: '/v1beta/batches/:batchId', answer: (exchange) => retrieveBatch(backend, exchange) },
    { method: 'POST', path: '/v1beta/batches/:call', answer: (exchange) => callBatch(backend, exchange) },
  ];
}

async function callModel(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const [model = '', method = ''] = (exchange.params.call ?? '').split(':');
  const isKnown = /^gemini-/.test(model);
  const [batchEndpoint, liveEndpoint] = [batchMethods[method], liveMethods[method]];
  if (isKnown && batchEndpoint !== undefined) return await createBatch(backend, exchange, model, batchEndpoint);
  if (isKnown && liveEndpoint !== undefined)
    return await backend.live.serve(exchange, { endpoint: liveEndpoint, model }, (request) =>
      liveAnswer(liveAnswerOf(liveEndpoint, model, request, new SeededRandom(uniqueHex('', 32)))),
    );
  throw new RefusedCall(
    errorReply(404, `models/${model} is not found for API version v1beta, or is not supported for ${method}.`),
  );
}

async function createBatch(
  backend: GoogleBackend,
  exchange: Exchange,
  model: string,
  endpoint: string,
): Promise<JsonReply> {
  const body = await readBody(exchange.request, maxCreateBytes, errorReply(400));
  const parsed = createSchema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success)
    throw new RefusedCall(errorReply(400, `Invalid JSON payload received. ${z.prettifyError(parsed.error)}`));
  const { displayName, inputConfig: inputFileId } = parsed.data.batch;
  const record = await acceptBatch(backend, exchange, {
    id: uniqueHex('', 32),
    endpoint,
    model,
    idName: 'key',
    inputFileId,
    input: backend.fileStore.find(inputFileId.replace(/^files\//, '')),
    metadata: { displayName },
  });
  return ok(wireOperation({ record, planned: null, sums: null }, record.createdAtMs));
}

async function listBatches(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const { records, ...next } = await listPage(backend, exchange, () => true);
  const operations = await Promise.all(records.map((record) => operationOf(backend, record)));
  return ok({ ...(operations.length > 0 && { operations }), ...next });
}

async function retrieveBatch(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(backend, exchange.params.batchId ?? '');
  await applyRetrievalFaults(backend, exchange, record);
  return ok(await operationOf(backend, record));
}

async function callBatch(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const [id = '', method] = (exchange.params.call ?? '').split(':');
  if (method !== 'cancel') throw new RefusedCall(errorReply(404));
  return await cancelBatch(backend, exchange, findBatch(backend, id));
}

/** The batch as it is now; its results are stored before their name is shown. */
async function operationOf(backend: GoogleBackend, record: BatchRecord): Promise<object> {
  const view = await backend.ledger.view(record);
  const id = resultFileName(record.id).replace(/^files\//, '');
  if (view.sums && view.sums.outputBytes !== null && !backend.fileStore.has(id)) {
    backend.fileStore.putResult({
      id,
      bytes: view.sums.outputBytes,
      createdAtMs: Date.now(),
      expiresAtMs: null,
      fileName: id,
      purpose: 'batch_output',
      contentPath: backend.ledger.paths(record.id).output,
      batchId: record.id,
    });
  }
  return wireOperation(view, Date.now());
}

function findBatch(backend: GoogleBackend, id: string): BatchRecord {
  const record = backend.ledger.find(id);
  if (record === undefined) throw new RefusedCall(errorReply(404));
  return record;
}
