import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BatchLedger } from '../batch-ledger.ts';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import { type FaultPlan, type FaultSubject, lineMatches } from '../fault-plan.ts';
import type { BatchFault, Operation } from '../faults.ts';
import type { Exchange, JsonReply, Reply, Route } from '../http-server.ts';
import type { JsonObject } from '../json.ts';
import { inputSubject } from '../openai/batch-subject.ts';
import { readPage, wireList } from '../openai/list-page.ts';
import { wireBatch } from '../openai/wire-batch.ts';
import type { Timing } from '../simulator.ts';
import { truncationOf } from '../truncation.ts';
import { uniqueHex } from '../unique-id.ts';
import { errorReply, refused } from './error-reply.ts';
import { receiveBatch } from './receive-batch.ts';
import type { ResultPages } from './result-pages.ts';
import { openRouterWire } from './wire.ts';

/** What the batch routes need of the rest of the simulator. */
interface BatchSurroundings {
  ledger: BatchLedger;
  faultPlan: FaultPlan;
  timing: Timing;
  /** Folder for bodies that are not accepted yet. */
  intakeFolder: string;
  /** Batches with their results, as they are downloaded. */
  answered: ResultPages;
}

export function batchRoutes(here: BatchSurroundings): Route[] {
  const path = '/v1/batches';
  return [
    { method: 'POST', path, answer: (exchange) => createBatch(here, exchange) },
    { method: 'GET', path, answer: (exchange) => listBatches(here, exchange) },
    { method: 'GET', path: `${path}/:batchId`, answer: (exchange) => retrieveBatch(here, exchange) },
  ];
}

async function createBatch(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  const receivedPath = join(here.intakeFolder, randomUUID());
  const { endpoint, model, requestCount } = await receiveBatch(exchange.request, receivedPath);
  const subject = inputSubject(endpoint, receivedPath, model);
  await strike(here, exchange, 'create', subject);
  assertSize(exchange, (await stat(receivedPath)).size, errorReply);
  if ((await here.faultPlan.takeTokenLimit(subject)) !== null) throw refused(429);
  const faults = await here.faultPlan.takeBatchFaults(subject);
  await refuseLines(subject, faults);
  const record = here.ledger.accept(
    {
      id: uniqueHex('batch_', 32),
      createdAtMs: Date.now(),
      endpoint,
      model,
      timing: here.timing,
      faults,
      cancelRequestedAtMs: null,
      deletedAtMs: null,
      inputFileId: null,
      metadata: null,
      outputExpiresAfterSeconds: null,
      apiVersion: null,
      requestCount,
    },
    (inputPath) => renameSync(receivedPath, inputPath),
  );
  return { kind: 'json', status: 202, body: await wireNow(here, record) };
}

async function refuseLines(subject: FaultSubject, faults: readonly BatchFault[]): Promise<void> {
  const fault = faults.find((one) => one.kind === 'refused_lines');
  if (!fault) return;
  for await (const line of subject.lines())
    if (lineMatches(fault.match, line)) throw refused(400, 'A request body is not valid.');
}

async function listBatches(here: BatchSurroundings, exchange: Exchange): Promise<JsonReply> {
  await strike(here, exchange, 'list', null);
  const records = here.ledger.newestFirst().filter((record) => !isUnlisted(record));
  const page = readPage(records, exchange.url.searchParams, openRouterWire.page);
  const batches = await Promise.all(page.items.map((record) => wireNow(here, record)));
  return { kind: 'json', status: 200, body: wireList(page, batches) };
}

/** Once it has ended, with its results. */
async function retrieveBatch(here: BatchSurroundings, exchange: Exchange): Promise<Reply> {
  const id = exchange.params.batchId ?? '';
  const record = here.ledger.find(id);
  if (record === undefined) throw refused(404, `Batch ${id} not found`);
  const subject = inputSubject(record.endpoint, here.ledger.paths(id).input, record.model);
  await strike(here, exchange, 'retrieve', subject);
  if (isHidden(record)) throw refused(404, `Batch ${id} not found`);
  const view = await here.ledger.view(record);
  const batch = await wireNow(here, record);
  const hasResults = view.sums !== null && batch.finalized_at !== null && batch.status !== 'failed';
  if (!hasResults) return { kind: 'json', status: 200, body: batch };
  await strike(here, exchange, 'results', subject);
  const path = await here.answered.pathOf(record, batch);
  const fault = await here.faultPlan.takeTruncation(subject);
  return {
    kind: 'download',
    path,
    headers: { 'content-type': 'application/json' },
    withLength: true,
    truncation: fault === null ? null : await truncationOf(fault, path),
  };
}

async function wireNow(here: BatchSurroundings, record: BatchRecord): Promise<JsonObject> {
  const view = await here.ledger.view(record);
  return openRouterWire.batch(wireBatch(view, Date.now()), view);
}

function isHidden(record: BatchRecord): boolean {
  const fault = faultOf(record, 'not_found_yet');
  return fault !== undefined && Date.now() < record.createdAtMs + fault.durationMs;
}

function isUnlisted(record: BatchRecord): boolean {
  return faultOf(record, 'not_found_yet')?.unlisted === true && isHidden(record);
}

async function strike(
  here: BatchSurroundings,
  exchange: Exchange,
  operation: Operation,
  subject: FaultSubject | null,
): Promise<void> {
  await applyCallFaults(here.faultPlan, exchange, operation, subject, errorReply);
}
