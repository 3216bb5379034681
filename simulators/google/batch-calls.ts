import { linkSync } from 'node:fs';
import { type BatchRecord, faultOf } from '../batch-record.ts';
import { strikeCall } from '../call-faults.ts';
import { type DownloadReply, type Exchange, type JsonReply, RefusedCall } from '../http-server.ts';
import type { FileRecord } from '../openai/file-shelf.ts';
import { truncationOf } from '../truncation.ts';
import { errorReply } from './error-reply.ts';
import type { GoogleDesk } from './service.ts';
import { inputSubject } from './stored-line.ts';

/** What Google's services do alike about a batch, whatever they call it. */

interface Creation {
  id: string;
  endpoint: string;
  model: string;
  /** The member of an input line that names it. */
  idName: 'key' | 'custom_id';
  /** As the creation names it, and as it stands on the shelf. */
  inputFileId: string;
  input: FileRecord | undefined;
  metadata: Record<string, string>;
}

/** @throws RefusedCall, or CutConnection, where nothing was created. */
export async function acceptBatch(desk: GoogleDesk, exchange: Exchange, creation: Creation): Promise<BatchRecord> {
  const { id, endpoint, model, idName, inputFileId, input, metadata } = creation;
  const subject = input ? inputSubject(endpoint, input.contentPath, idName, model) : { endpoint, lines: noLines };
  await strikeCall(desk.book, exchange, 'create', subject, errorReply);
  if (input === undefined) throw new RefusedCall(errorReply(400, `There is no ${inputFileId}.`));
  if (await desk.book.takeTokenLimit(subject)) throw new RefusedCall(errorReply(429));
  const batch = {
    id,
    createdAtMs: Date.now(),
    endpoint,
    timing: desk.timing,
    faults: await desk.book.takeBatchFaults(subject),
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    inputFileId,
    metadata: { model, ...metadata },
    outputExpiresAfterSeconds: null,
    apiVersion: null,
    requestCount: null,
  };
  return desk.ledger.accept(batch, (path) => linkSync(input.contentPath, path));
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
  desk: GoogleDesk,
  exchange: Exchange,
  isListed: (record: BatchRecord) => boolean,
): Promise<ListPage> {
  await strikeCall(desk.book, exchange, 'list', null, errorReply);
  const query = exchange.url.searchParams;
  const size = Math.min(Number(query.get('pageSize') ?? maxPageSize / 2), maxPageSize);
  const start = Number(query.get('pageToken') ?? 0);
  if (!Number.isInteger(size) || size < 1 || !Number.isInteger(start)) throw new RefusedCall(errorReply(400));
  const listed = desk.ledger.newestFirst().filter((record) => !isHidden(record, true) && isListed(record));
  const isMore = start + size < listed.length;
  return { records: listed.slice(start, start + size), ...(isMore && { nextPageToken: String(start + size) }) };
}

function isHidden(record: BatchRecord, fromLists: boolean): boolean {
  const fault = faultOf(record, 'not_found_yet');
  if (fault === undefined || (fromLists && fault.unlisted !== true)) return false;
  return Date.now() < record.createdAtMs + fault.durationMs;
}

/** @throws RefusedCall where a fault says so. */
export async function strikeRetrieval(desk: GoogleDesk, exchange: Exchange, record: BatchRecord): Promise<void> {
  await strikeCall(desk.book, exchange, 'retrieve', desk.subjectOf(record), errorReply);
  if (isHidden(record, false)) throw new RefusedCall(errorReply(404));
}

export async function cancelBatch(desk: GoogleDesk, exchange: Exchange, record: BatchRecord): Promise<JsonReply> {
  await strikeCall(desk.book, exchange, 'cancel', desk.subjectOf(record), errorReply);
  if ((await desk.ledger.endedAtMs(record)) !== null)
    throw new RefusedCall(errorReply(400, 'It has ended and cannot be cancelled.'));
  desk.ledger.requestCancel(record.id);
  return ok({});
}

export async function downloadOf(desk: GoogleDesk, exchange: Exchange, file: FileRecord): Promise<DownloadReply> {
  const record = file.batchId === null ? undefined : desk.ledger.find(file.batchId);
  const subject = record === undefined ? null : desk.subjectOf(record);
  await strikeCall(desk.book, exchange, 'results', subject, errorReply);
  const fault = subject === null ? null : await desk.book.takeTruncation(subject);
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
