import { linkSync } from 'node:fs';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { applyCallFaults } from '../call-faults.ts';
import type { FileRecord } from '../file-store.ts';
import { type DownloadReply, type Exchange, type JsonReply, RefusedCall } from '../http-server.ts';
import { truncationOf } from '../truncation.ts';
import { errorReply } from './error-reply.ts';
import type { GoogleBackend } from './service.ts';
import { inputSubject } from './stored-line.ts';

/** What Google's services do alike about a batch, whatever they call it. */

interface Creation {
  id: string;
  endpoint: string;
  model: string;
  /** The member of an input line that names it. */
  idName: 'key' | 'custom_id';
  /** As the creation names it, and as it stands stored. */
  inputFileId: string;
  input: FileRecord | undefined;
  metadata: Record<string, string>;
}

/** @throws RefusedCall, or CutConnection, where nothing was created. */
export async function acceptBatch(
  backend: GoogleBackend,
  exchange: Exchange,
  creation: Creation,
): Promise<BatchRecord> {
  const { id, endpoint, model, idName, inputFileId, input, metadata } = creation;
  const subject = input ? inputSubject(endpoint, input.contentPath, idName, model) : { endpoint, lines: noLines };
  await applyCallFaults(backend.faultPlan, exchange, 'create', subject, errorReply);
  if (input === undefined) throw new RefusedCall(errorReply(400, `There is no ${inputFileId}.`));
  if (await backend.faultPlan.takeTokenLimit(subject)) throw new RefusedCall(errorReply(429));
  const batch = {
    id,
    createdAtMs: Date.now(),
    endpoint,
    timing: backend.timing,
    faults: await backend.faultPlan.takeBatchFaults(subject),
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    inputFileId,
    metadata: { model, ...metadata },
    outputExpiresAfterSeconds: null,
    apiVersion: null,
    requestCount: null,
  };
  return backend.ledger.accept(batch, (path) => linkSync(input.contentPath, path));
}

async function* noLines(): AsyncGenerator<never> {}

/** The model that a batch was created for is kept where others keep the customer's metadata. */
export function modelOf(record: BatchRecord): string {
  return record.metadata?.model ?? '';
}

interface ListPage {
  records: BatchRecord[];
  nextPageToken?: string;
}

const maxPageSize = 100;

export async function listPage(
  backend: GoogleBackend,
  exchange: Exchange,
  isListed: (record: BatchRecord) => boolean,
): Promise<ListPage> {
  await applyCallFaults(backend.faultPlan, exchange, 'list', null, errorReply);
  const query = exchange.url.searchParams;
  const size = Math.min(Number(query.get('pageSize') ?? maxPageSize / 2), maxPageSize);
  const start = Number(query.get('pageToken') ?? 0);
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(start)) throw new RefusedCall(errorReply(400));
  const listed = backend.ledger.newestFirst().filter((record) => !isHidden(record, true) && isListed(record));
  const isMore = start + size < listed.length;
  return { records: listed.slice(start, start + size), ...(isMore && { nextPageToken: String(start + size) }) };
}

function isHidden(record: BatchRecord, fromLists: boolean): boolean {
  const fault = faultOf(record, 'not_found_yet');
  if (fault === undefined || (fromLists && fault.unlisted !== true)) return false;
  return Date.now() < record.createdAtMs + fault.durationMs;
}

/** @throws RefusedCall where a fault says so. */
export async function applyRetrievalFaults(
  backend: GoogleBackend,
  exchange: Exchange,
  record: BatchRecord,
): Promise<void> {
  await applyCallFaults(backend.faultPlan, exchange, 'retrieve', backend.subjectOf(record), errorReply);
  if (isHidden(record, false)) throw new RefusedCall(errorReply(404));
}

export async function cancelBatch(backend: GoogleBackend, exchange: Exchange, record: BatchRecord): Promise<JsonReply> {
  await applyCallFaults(backend.faultPlan, exchange, 'cancel', backend.subjectOf(record), errorReply);
  if ((await backend.ledger.endedAtMs(record)) !== null)
    throw new RefusedCall(errorReply(400, 'It has ended and cannot be cancelled.'));
  backend.ledger.requestCancel(record.id);
  return ok({});
}

export async function downloadOf(backend: GoogleBackend, exchange: Exchange, file: FileRecord): Promise<DownloadReply> {
  const record = file.batchId === null ? undefined : backend.ledger.find(file.batchId);
  const subject = record === undefined ? null : backend.subjectOf(record);
  await applyCallFaults(backend.faultPlan, exchange, 'results', subject, errorReply);
  const fault = subject === null ? null : await backend.faultPlan.takeTruncation(subject);
  return {
    kind: 'download',
    path: file.contentPath,
    headers: { 'content-type': 'application/octet-stream' },
    withLength: true,
    truncation: fault === null ? null : await truncationOf(fault, file.contentPath),
  };
}

export function ok(body: object): JsonReply {
  return { kind: 'json', status: 200, body };
}
