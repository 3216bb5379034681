import { linkSync } from 'node:fs';
import { z } from 'zod';
import type { BatchLedger } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { strikeCall } from '../call-faults.ts';
import type { FaultBook, FaultSubject } from '../fault-book.ts';
import { errorReply } from '../google/error-reply.ts';
import { inputSubject } from '../google/stored-line.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { parseJson } from '../json.ts';
import type { FileShelf } from '../openai/file-shelf.ts';
import type { Timing } from '../simulator.ts';
import { uniqueHex } from '../unique-id.ts';
import { modelOf } from './batch-work.ts';
import { resultFileName, wireOperation } from './wire-operation.ts';

const maxCreateBytes = 1024 * 1024;
const usualPageSize = 50;
const maxPageSize = 100;

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

const endpointByMethod: Record<string, string> = {
  batchGenerateContent: '/v1/chat/completions',
  asyncBatchEmbedContent: '/v1/embeddings',
};

/** What the batch routes need of the rest of the simulator. */
export interface BatchSurroundings {
  ledger: BatchLedger;
  shelf: FileShelf;
  book: FaultBook;
  timing: Timing;
}

export function batchRoutes(here: BatchSurroundings): Route[] {
  return [
    { method: 'POST', path: '/v1beta/models/:call', answer: (exchange) => createBatch(here, exchange) },
    { method: 'GET', path: '/v1beta/batches', answer: (exchange) => listBatches(here, exchange) },
    { method: 'GET', path: '/v1beta/batches/:batchId', answer: (exchange) => retrieveBatch(here, exchange) },
    { method: 'POST', path: '/v1beta/batches/:call', answer: (exchange) => cancelBatch(here, exchange) },
  ];
}

async function createBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const [model = '', method = ''] = (exchange.params.call ?? '').split(':');
  const endpoint = endpointByMethod[method];
  if (endpoint === undefined || !/^gemini-/.test(model)) {
    throw new RefusedCall(
      errorReply(404, `models/${model} is not found for API version v1beta, or is not supported for ${method}.`),
    );
  }
  const body = await readBody(exchange.request, maxCreateBytes, errorReply(400));
  const parsed = createSchema.safeParse(parseJson(body.toString('utf8')));
  if (!parsed.success)
    throw new RefusedCall(errorReply(400, `Invalid JSON payload received. ${z.prettifyError(parsed.error)}`));
  const { displayName, inputConfig: fileName } = parsed.data.batch;
  const file = here.shelf.find(fileName.replace(/^files\//, ''));
  const inputPath = file?.contentPath ?? null;
  const subject = inputPath === null ? { endpoint, lines: noLines } : inputSubject(endpoint, inputPath, 'key', model);
  await strikeCall(here.book, exchange, 'create', subject, errorReply);
  if (inputPath === null) throw new RefusedCall(errorReply(400, `File ${fileName} does not exist.`));
  if (await here.book.takeTokenLimit(subject)) throw new RefusedCall(errorReply(429));
  const record = here.ledger.accept(
    {
      id: uniqueHex('', 32),
      createdAtMs: Date.now(),
      endpoint,
      timing: here.timing,
      faults: await here.book.takeBatchFaults(subject),
      cancelRequestedAtMs: null,
      deletedAtMs: null,
      inputFileId: fileName,
      metadata: { model, displayName },
      outputExpiresAfterSeconds: null,
      apiVersion: null,
      requestCount: null,
    },
    (path) => linkSync(inputPath, path),
  );
  return ok(wireOperation({ record, planned: null, sums: null }, record.createdAtMs));
}

async function* noLines(): AsyncGenerator<never> {}

async function listBatches(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  await strikeCall(here.book, exchange, 'list', null, errorReply);
  const query = exchange.url.searchParams;
  const size = Math.min(Number(query.get('pageSize') ?? usualPageSize), maxPageSize);
  const start = Number(query.get('pageToken') ?? 0);
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(start)) throw new RefusedCall(errorReply(400));
  const listed = here.ledger.newestFirst().filter((record) => !isHidden(record, true));
  const page = listed.slice(start, start + size);
  const operations = await Promise.all(page.map((record) => operationOf(here, record)));
  const isMore = start + size < listed.length;
  return ok({ ...(operations.length > 0 && { operations }), ...(isMore && { nextPageToken: String(start + size) }) });
}

async function retrieveBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(here, exchange.params.batchId ?? '');
  await strikeCall(here.book, exchange, 'retrieve', subjectOf(here.ledger, record), errorReply);
  if (isHidden(record, false)) throw new RefusedCall(errorReply(404));
  return ok(await operationOf(here, record));
}

async function cancelBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const [id = '', method] = (exchange.params.call ?? '').split(':');
  if (method !== 'cancel') throw new RefusedCall(errorReply(404));
  const record = findBatch(here, id);
  await strikeCall(here.book, exchange, 'cancel', subjectOf(here.ledger, record), errorReply);
  if ((await here.ledger.endedAtMs(record)) !== null)
    throw new RefusedCall(errorReply(400, 'The batch has ended and cannot be cancelled.'));
  here.ledger.requestCancel(record.id);
  return ok({});
}

/** The batch as it is now; its results are put on the shelf before their name is shown. */
async function operationOf(here: BatchSurroundings, record: BatchRecord): Promise<object> {
  const view = await here.ledger.view(record);
  const id = resultFileName(record.id).replace(/^files\//, '');
  if (view.sums && view.sums.outputBytes !== null && !here.shelf.has(id)) {
    here.shelf.putResult({
      id,
      bytes: view.sums.outputBytes,
      createdAtMs: Date.now(),
      expiresAtMs: null,
      fileName: id,
      purpose: 'batch_output',
      contentPath: here.ledger.paths(record.id).output,
      batchId: record.id,
    });
  }
  return wireOperation(view, Date.now());
}

function isHidden(record: BatchRecord, fromLists: boolean): boolean {
  const fault = faultOf(record, 'not_found_yet');
  if (fault === undefined || (fromLists && fault.unlisted !== true)) return false;
  return Date.now() < record.createdAtMs + fault.durationMs;
}

function findBatch(here: BatchSurroundings, id: string): BatchRecord {
  const record = here.ledger.find(id);
  if (record === undefined) throw new RefusedCall(errorReply(404));
  return record;
}

export function subjectOf(ledger: BatchLedger, record: BatchRecord): FaultSubject {
  return inputSubject(record.endpoint, ledger.paths(record.id).input, 'key', modelOf(record));
}

function ok(body: object): JsonReply {
  return { kind: 'json', status: 200, body };
}
