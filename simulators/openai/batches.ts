import { linkSync } from 'node:fs';
import type { BatchLedger, BatchView } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { type Ending, phaseAt } from '../batch-timeline.ts';
import { applyCallFaults } from '../call-faults.ts';
import type { FaultPlan, FaultSubject } from '../fault-plan.ts';
import type { BatchFault, Operation } from '../faults.ts';
import type { FileRecord, FileStore } from '../file-store.ts';
import { type Exchange, type JsonReply, RefusedCall, type Route, readBody } from '../http-server.ts';
import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import type { Timing } from '../simulator.ts';
import { uniqueHex } from '../unique-id.ts';
import { inputSubject } from './batch-subject.ts';
import { type CreateBatchBody, metadataComplaint } from './create-batch-body.ts';
import { errorOfStatus, errorReply, invalidRequest } from './error-reply.ts';
import { refusalOfIssues } from './issue-text.ts';
import { type ResultKind, resultFileId, resultFileName } from './result-files.ts';
import { failedOverTokenLimit, tokenLimitError } from './token-limit.ts';
import { wireBatch } from './wire-batch.ts';
import type { WireDialect } from './wire-dialect.ts';

const maxCreateBytes = 1024 * 1024;
const resultLifetimeSeconds = 30 * 24 * 60 * 60;

/** What the batch routes need of the rest of the simulator. */
export interface BatchSurroundings {
  wire: WireDialect;
  ledger: BatchLedger;
  fileStore: FileStore;
  faultPlan: FaultPlan;
  timing: Timing;
}

export function batchRoutes(here: BatchSurroundings): Route[] {
  const { root, batchesPath, cancelPath } = here.wire;
  const path = `${root}${batchesPath}`;
  return [
    { method: 'POST', path, answer: (exchange) => createBatch(here, exchange) },
    { method: 'GET', path, answer: (exchange) => listBatches(here, exchange) },
    { method: 'GET', path: `${path}/:batchId`, answer: (exchange) => retrieveBatch(here, exchange) },
    { method: 'POST', path: `${root}${cancelPath}`, answer: (exchange) => cancelBatch(here, exchange) },
  ];
}

async function createBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const body = await readCreateBody(here.wire, exchange);
  const file = here.fileStore.find(body.input_file_id);
  const { inputPurpose } = here.wire;
  if (file !== undefined && file.purpose !== inputPurpose) {
    throw refused(
      400,
      `Invalid purpose '${file.purpose}' of file ${file.id}: expected '${inputPurpose}'.`,
      'input_file_id',
    );
  }
  const subject = inputSubject(body.endpoint, file?.contentPath ?? null, body.model);
  await applyBatchCallFaults(here, exchange, 'create', subject);
  const tokenLimit = await here.faultPlan.takeTokenLimit(subject);
  if (tokenLimit?.how === 'refused_create') throw new RefusedCall(errorReply(429, tokenLimitError));
  const faults = await here.faultPlan.takeBatchFaults(subject);
  if (tokenLimit !== null) faults.push(failedOverTokenLimit);
  const record = acceptBatch(here, body, file, faults);
  const view = { record, planned: null, sums: null };
  return ok(here.wire.created(here.wire.batch(wireBatch(view, record.createdAtMs), view)));
}

function acceptBatch(
  here: BatchSurroundings,
  body: CreateBatchBody,
  file: FileRecord | undefined,
  faults: BatchFault[],
): BatchRecord {
  const batch: Omit<BatchRecord, 'sequence'> = {
    id: uniqueHex('batch_', 32),
    createdAtMs: Date.now(),
    endpoint: body.endpoint,
    timing: here.timing,
    faults,
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    inputFileId: body.input_file_id,
    metadata: body.metadata ?? null,
    outputExpiresAfterSeconds: body.output_expires_after?.seconds ?? null,
    apiVersion: null,
    requestCount: null,
    ...(body.model !== undefined && { model: body.model }),
  };
  // A link, so that the client may delete the file while the batch runs.
  return here.ledger.accept(batch, (inputPath) => {
    if (file !== undefined) linkSync(file.contentPath, inputPath);
  });
}

async function readCreateBody(wire: WireDialect, exchange: Exchange): Promise<CreateBatchBody> {
  const bytes = await readBody(exchange.request, maxCreateBytes, errorReply(413, errorOfStatus(413)));
  const body = parseJson(bytes.toString('utf8'));
  if (!isJsonObject(body)) throw refused(400, 'We could not parse the JSON body of your request.', null);
  const parsed = wire.creation.safeParse(body);
  if (!parsed.success) throw new RefusedCall(errorReply(400, refusalOfIssues(parsed.error.issues, body)));
  const complaint = metadataComplaint(parsed.data.metadata ?? {});
  if (complaint !== null) throw refused(400, complaint, 'metadata');
  return parsed.data;
}

async function listBatches(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  await applyBatchCallFaults(here, exchange, 'list', null);
  const nowMs = Date.now();
  const records = here.ledger.newestFirst().filter((record) => !isUnlisted(record, nowMs));
  const page = here.wire.readPage(records, exchange.url.searchParams, here.wire.page);
  return ok(here.wire.list(page, await Promise.all(page.items.map((record) => wireNow(here, record)))));
}

async function retrieveBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(here, exchange);
  await applyBatchCallFaults(here, exchange, 'retrieve', batchSubject(here, record));
  const hidden = faultOf(record, 'not_found_yet');
  if (hidden !== undefined && Date.now() < record.createdAtMs + hidden.durationMs) throw unknownBatch(record.id);
  return ok(await wireNow(here, record));
}

async function cancelBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(here, exchange);
  await applyBatchCallFaults(here, exchange, 'cancel', batchSubject(here, record));
  const ending = endingOf(await here.ledger.view(record));
  if (ending !== null && ending !== 'cancelled') {
    throw refused(409, `Cannot cancel a batch with status '${ending}'.`, null);
  }
  return ok(await wireNow(here, ending === null ? here.ledger.requestCancel(record.id) : record));
}

/** Null while the batch lives. */
function endingOf({ record, planned }: BatchView): Ending | null {
  if (planned === null) return null;
  const { plan, timeline } = planned;
  return phaseAt(record, timeline, plan, Date.now()) === 'ended' ? timeline.ending : null;
}

/** The batch as it is now; result files that are there are stored before their ids are shown. */
async function wireNow(here: BatchSurroundings, record: BatchRecord): Promise<JsonObject> {
  const view = await here.ledger.view(record);
  storeResult(here, view, 'output', view.sums?.outputBytes ?? null);
  storeResult(here, view, 'error', view.sums?.errorBytes ?? null);
  return here.wire.batch(wireBatch(view, Date.now()), view);
}

function storeResult(here: BatchSurroundings, view: BatchView, kind: ResultKind, bytes: number | null): void {
  const { record, planned } = view;
  const id = resultFileId(record.id, kind);
  if (bytes === null || here.fileStore.has(id)) return;
  const createdAtMs = planned?.timeline.endsAtMs ?? Date.now();
  const lifetimeSeconds = record.outputExpiresAfterSeconds ?? resultLifetimeSeconds;
  const paths = here.ledger.paths(record.id);
  here.fileStore.putResult({
    id,
    bytes,
    createdAtMs,
    expiresAtMs: createdAtMs + lifetimeSeconds * 1000,
    fileName: resultFileName(record.id, kind),
    purpose: 'batch_output',
    contentPath: kind === 'output' ? paths.output : paths.errors,
    batchId: record.id,
  });
}

function isUnlisted(record: BatchRecord, nowMs: number): boolean {
  const fault = faultOf(record, 'not_found_yet');
  return fault?.unlisted === true && nowMs < record.createdAtMs + fault.durationMs;
}

export function findBatch(here: BatchSurroundings, exchange: Exchange): BatchRecord {
  const id = exchange.params.batchId ?? '';
  const record = here.ledger.find(id);
  if (record === undefined) throw unknownBatch(id);
  return record;
}

export function batchSubject(here: BatchSurroundings, record: BatchRecord): FaultSubject {
  return inputSubject(record.endpoint, here.ledger.paths(record.id).input, record.model);
}

export async function applyBatchCallFaults(
  here: BatchSurroundings,
  exchange: Exchange,
  operation: Operation,
  subject: FaultSubject | null,
): Promise<void> {
  await applyCallFaults(here.faultPlan, exchange, operation, subject, (status) =>
    errorReply(status, errorOfStatus(status)),
  );
}

function unknownBatch(id: string): RefusedCall {
  return refused(404, `No batch found with id '${id}'.`, null);
}

function refused(status: number, message: string, param: string | null): RefusedCall {
  return new RefusedCall(errorReply(status, invalidRequest(message, param)));
}

function ok(body: unknown): JsonReply {
  return { kind: 'json', status: 200, body };
}
