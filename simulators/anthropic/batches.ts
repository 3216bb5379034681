import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchLedger } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { phaseAt } from '../batch-timeline.ts';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import { type FaultPlan, type FaultSubject, lineMatches } from '../fault-plan.ts';
import type { BatchFault, Operation } from '../faults.ts';
import { type Exchange, type JsonReply, RefusedCall, type Reply, type Route } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import type { Timing } from '../simulator.ts';
import { truncationOf } from '../truncation.ts';
import { uniqueBase62 } from '../unique-id.ts';
import { type AnthropicError, errorOfStatus, errorReply, invalidRequest } from './error-reply.ts';
import { pageOf } from './list-page.ts';
import { receiveRequests } from './receive-requests.ts';
import { inputSubject } from './request-line.ts';
import { wireBatch } from './wire-batch.ts';

const endpoint = '/v1/messages';
const collection = '/v1/messages/batches';

/** What the batch routes need of the rest of the simulator. */
export interface BatchSurroundings {
  ledger: BatchLedger;
  faultPlan: FaultPlan;
  timing: Timing;
  /** Folder for bodies that are not accepted yet. */
  intakeFolder: string;
}

export function batchRoutes(here: BatchSurroundings): Route[] {
  const one = `${collection}/:batchId`;
  return [
    { method: 'POST', path: collection, answer: (exchange) => createBatch(here, exchange) },
    { method: 'GET', path: collection, answer: (exchange) => listBatches(here, exchange) },
    { method: 'GET', path: one, answer: (exchange) => retrieveBatch(here, exchange) },
    { method: 'DELETE', path: one, answer: (exchange) => deleteBatch(here, exchange) },
    { method: 'POST', path: `${one}/cancel`, answer: (exchange) => cancelBatch(here, exchange) },
    { method: 'GET', path: `${one}/results`, answer: (exchange) => downloadResults(here, exchange) },
  ];
}

async function createBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const receivedPath = join(here.intakeFolder, randomUUID());
  const requestCount = await receiveRequests(exchange.request, receivedPath);
  const subject = inputSubject(endpoint, receivedPath);
  await strike(here, exchange, 'create', subject);
  const { size } = await stat(receivedPath);
  assertSize(exchange, size, replyOfStatus);
  const tokenLimit = await here.faultPlan.takeTokenLimit(subject);
  if (tokenLimit !== null) throw refused(429, errorOfStatus(429));
  const faults = await here.faultPlan.takeBatchFaults(subject);
  await refuseLines(subject, faults);
  const record = here.ledger.accept(
    {
      id: uniqueBase62('msgbatch_01', 22),
      createdAtMs: Date.now(),
      endpoint,
      timing: here.timing,
      faults,
      cancelRequestedAtMs: null,
      deletedAtMs: null,
      inputFileId: null,
      metadata: null,
      outputExpiresAfterSeconds: null,
      apiVersion: String(exchange.request.headers['anthropic-version']),
      requestCount,
    },
    (inputPath) => renameSync(receivedPath, inputPath),
  );
  return ok(await wireNow(here, exchange, record));
}

/** For the first line that a fault strikes: it is named as the API names requests, or not at all. */
async function refuseLines(subject: FaultSubject, faults: readonly BatchFault[]): Promise<void> {
  const fault = faults.find((one) => one.kind === 'refused_lines');
  if (!fault) return;
  let place = 0;
  for await (const line of subject.lines()) {
    const complaint = fault.names ? `requests.${place}.params: Input is not valid` : 'The request body is not valid.';
    if (lineMatches(fault.match, line)) throw refused(400, invalidRequest(complaint));
    place += 1;
  }
}

async function listBatches(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  await strike(here, exchange, 'list', null);
  const nowMs = Date.now();
  const records = here.ledger
    .newestFirst()
    .filter((record) => record.deletedAtMs === null && !isUnlisted(record, nowMs));
  const page = pageOf(records, exchange.url.searchParams);
  return ok({
    data: await Promise.all(page.items.map((record) => wireNow(here, exchange, record))),
    has_more: page.hasMore,
    first_id: page.items[0]?.id ?? null,
    last_id: page.items.at(-1)?.id ?? null,
  });
}

async function retrieveBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(here, exchange);
  await strike(here, exchange, 'retrieve', subjectOf(here, record));
  const hidden = faultOf(record, 'not_found_yet');
  if (hidden !== undefined && Date.now() < record.createdAtMs + hidden.durationMs) throw unknownBatch(record.id);
  const batch = await wireNow(here, exchange, record);
  // Recorded traffic: a batch that is not done asks to be polled ten seconds later.
  return batch.processing_status === 'ended' ? ok(batch) : { ...ok(batch), headers: { 'retry-after': '10' } };
}

async function cancelBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(here, exchange);
  await strike(here, exchange, 'cancel', subjectOf(here, record));
  if (await hasEnded(here, record)) {
    throw refused(
      400,
      invalidRequest(`Batch ${record.id} cannot be canceled because it has already finished processing.`),
    );
  }
  return ok(await wireNow(here, exchange, here.ledger.requestCancel(record.id)));
}

async function deleteBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const record = findBatch(here, exchange);
  if (!(await hasEnded(here, record))) {
    throw refused(400, invalidRequest(`Batch ${record.id} cannot be deleted while it is processing. Cancel it first.`));
  }
  here.ledger.delete(record.id);
  return ok({ id: record.id, type: 'message_batch_deleted' });
}

async function downloadResults(here: BatchSurroundings, exchange: Exchange): Promise<Reply> {
  const record = findBatch(here, exchange);
  const subject = subjectOf(here, record);
  await strike(here, exchange, 'results', subject);
  const { sums } = await here.ledger.view(record);
  if (sums === null) {
    throw refused(404, { type: 'not_found_error', message: `Results of batch ${record.id} are not available yet.` });
  }
  const { output } = here.ledger.paths(record.id);
  const fault = await here.faultPlan.takeTruncation(subject);
  return {
    kind: 'download',
    path: output,
    headers: {
      'content-type': 'application/x-jsonl',
      'content-disposition': `attachment; filename="${record.id}_results.jsonl"`,
    },
    withLength: false,
    truncation: fault === null ? null : await truncationOf(fault, output),
  };
}

async function wireNow(here: BatchSurroundings, exchange: Exchange, record: BatchRecord): Promise<JsonObject> {
  return wireBatch(await here.ledger.view(record), exchange.url.origin);
}

async function hasEnded(here: BatchSurroundings, record: BatchRecord): Promise<boolean> {
  const { planned } = await here.ledger.view(record);
  return planned !== null && phaseAt(record, planned.timeline, planned.plan, Date.now()) === 'ended';
}

function isUnlisted(record: BatchRecord, nowMs: number): boolean {
  const fault = faultOf(record, 'not_found_yet');
  return fault?.unlisted === true && nowMs < record.createdAtMs + fault.durationMs;
}

function findBatch(here: BatchSurroundings, exchange: Exchange): BatchRecord {
  const id = exchange.params.batchId ?? '';
  const record = here.ledger.find(id);
  if (record === undefined || record.deletedAtMs !== null) throw unknownBatch(id);
  return record;
}

function subjectOf(here: BatchSurroundings, record: BatchRecord): FaultSubject {
  return inputSubject(record.endpoint, here.ledger.paths(record.id).input);
}

async function strike(
  here: BatchSurroundings,
  exchange: Exchange,
  operation: Operation,
  subject: FaultSubject | null,
): Promise<void> {
  await applyCallFaults(here.faultPlan, exchange, operation, subject, replyOfStatus);
}

function replyOfStatus(status: number): JsonReply {
  return errorReply(status, errorOfStatus(status));
}

function unknownBatch(id: string): RefusedCall {
  return refused(404, { type: 'not_found_error', message: `Message Batch with id ${id} not found.` });
}

function refused(status: number, error: AnthropicError): RefusedCall {
  return new RefusedCall(errorReply(status, error));
}

function ok(body: JsonObject): JsonReply {
  return { kind: 'json', status: 200, body };
}
