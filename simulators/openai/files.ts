import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extname, join } from 'node:path';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import type { FaultPlan, FaultSubject } from '../fault-plan.ts';
import type { FileRecord, FileStore } from '../file-store.ts';
import { type Exchange, type JsonReply, RefusedCall, type Reply, type Route } from '../http-server.ts';
import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import { truncationOf } from '../truncation.ts';
import { uniqueBase62 } from '../unique-id.ts';
import { errorOfStatus, errorReply, invalidRequest } from './error-reply.ts';
import { batchFileLifetimeSeconds } from './limits.ts';
import { type PageLimits, readPage, wireList } from './list-page.ts';
import { type ReceivedUpload, receiveUpload } from './upload.ts';
import type { WireDialect } from './wire-dialect.ts';

const otherPurposes = ['assistants', 'fine-tune', 'vision', 'user_data', 'evals'];
const listLimits: PageLimits = { defaultLimit: 10_000, maxLimit: 10_000, isCapped: false, placeParameter: 'after' };

/** What the file routes need of the rest of the simulator. */
export interface FileSurroundings {
  wire: WireDialect;
  fileStore: FileStore;
  faultPlan: FaultPlan;
  /** Folder for uploads that are not accepted yet. */
  uploadFolder: string;
  /** The batch that a result file belongs to, for faults aimed at it. */
  subjectOf(file: FileRecord): FaultSubject | null;
}

export function fileRoutes(here: FileSurroundings): Route[] {
  return [
    {
      method: 'POST',
      path: `${here.wire.root}${here.wire.uploadPath}`,
      answer: (exchange) => createFile(here, exchange),
    },
    { method: 'GET', path: `${here.wire.root}/files`, answer: async (exchange) => listFiles(here, exchange) },
    {
      method: 'GET',
      path: `${here.wire.root}/files/:fileId`,
      answer: async (exchange) => ok(here.wire.file(wireFile(findFile(here, exchange)))),
    },
    {
      method: 'DELETE',
      path: `${here.wire.root}/files/:fileId`,
      answer: async (exchange) => deleteFile(here, exchange),
    },
    {
      method: 'GET',
      path: `${here.wire.root}/files/:fileId/content`,
      answer: (exchange) => downloadFile(here, exchange),
    },
  ];
}

async function createFile(here: FileSurroundings, exchange: Exchange): Promise<JsonReply> {
  await applyCallFaults(here.faultPlan, exchange, 'upload', null, (status) =>
    errorReply(status, errorOfStatus(status)),
  );
  const uploadPath = join(here.uploadFolder, randomUUID());
  const received = await receiveUpload(exchange.request, uploadPath);
  const { purpose, file } = checkForm(received, here.wire.inputPurpose);
  assertSize(exchange, file.bytes, (status) => errorReply(status, errorOfStatus(status)));
  if (purpose === here.wire.inputPurpose) await checkBatchFile(file.fileName, uploadPath);
  const createdAtMs = Date.now();
  const record = here.fileStore.putUpload(
    {
      id: uniqueBase62('file-', 22),
      bytes: file.bytes,
      createdAtMs,
      expiresAtMs: expiryOf(received, purpose, createdAtMs),
      fileName: file.fileName,
      purpose,
    },
    uploadPath,
  );
  // Recorded traffic: a fresh batch file shows its expiry only when it is retrieved.
  const isExpiryHidden = !received.fields.has('expires_after[seconds]');
  return ok(here.wire.file({ ...wireFile(record), ...(isExpiryHidden && { expires_at: null }) }));
}

function checkForm(
  received: ReceivedUpload,
  inputPurpose: string,
): { purpose: string; file: { fileName: string; bytes: number } } {
  const purpose = inputPurpose === '' ? '' : received.fields.get('purpose');
  if (purpose === undefined)
    throw refused("Missing required parameter: 'purpose'.", 'purpose', 'missing_required_parameter');
  const purposes = [inputPurpose, ...otherPurposes];
  if (!purposes.includes(purpose)) {
    const supported = purposes.map((name) => `'${name}'`).join(', ');
    throw refused(`Invalid value: '${purpose}'. Supported values are: ${supported}.`, 'purpose', 'invalid_value');
  }
  if (received.file === null)
    throw refused("Missing required parameter: 'file'.", 'file', 'missing_required_parameter');
  return { purpose, file: received.file };
}

/** A name without extension passes, as in recorded traffic (`upload`); the first line decides. */
async function checkBatchFile(fileName: string, path: string): Promise<void> {
  const extension = extname(fileName);
  const hasWrongName = extension !== '' && extension !== '.jsonl';
  if (hasWrongName || !(await startsWithJsonLine(path))) {
    throw refused('Invalid file format for Batch API. Must be .jsonl', 'file', 'invalid_file_format');
  }
}

/** Blank lines alone pass here and fail the batch later. A very long first line counts when it starts like an object. */
async function startsWithJsonLine(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, end: 1024 * 1024 })) {
    const text = String(chunk).trimStart();
    const newline = text.indexOf('\n');
    if (text === '') return true;
    return newline === -1 ? text.startsWith('{') : isJsonObject(parseJson(text.slice(0, newline)));
  }
  return false;
}

function expiryOf(received: ReceivedUpload, purpose: string, createdAtMs: number): number | null {
  const given = received.fields.get('expires_after[seconds]');
  if (given === undefined) return purpose === 'batch' ? createdAtMs + batchFileLifetimeSeconds * 1000 : null;
  const seconds = Number(given);
  if (!Number.isInteger(seconds) || seconds < 3600 || seconds > batchFileLifetimeSeconds) {
    throw refused(
      "Invalid 'expires_after.seconds': must be between 3600 and 2592000.",
      'expires_after.seconds',
      'invalid_value',
    );
  }
  return createdAtMs + seconds * 1000;
}

function listFiles(here: FileSurroundings, exchange: Exchange): JsonReply {
  const query = exchange.url.searchParams;
  const purpose = query.get('purpose');
  const newestFirst = here.fileStore.newestFirst().filter((file) => purpose === null || file.purpose === purpose);
  const ordered = query.get('order') === 'asc' ? newestFirst.reverse() : newestFirst;
  const page = readPage(ordered, query, listLimits);
  return ok(
    wireList(
      page,
      page.items.map((file) => here.wire.file(wireFile(file))),
    ),
  );
}

function deleteFile(here: FileSurroundings, exchange: Exchange): JsonReply {
  const file = findFile(here, exchange);
  here.fileStore.delete(file.id);
  return ok({ object: 'file', deleted: true, id: file.id });
}

async function downloadFile(here: FileSurroundings, exchange: Exchange): Promise<Reply> {
  const file = findFile(here, exchange);
  const subject = here.subjectOf(file);
  await applyCallFaults(here.faultPlan, exchange, 'results', subject, (status) =>
    errorReply(status, errorOfStatus(status)),
  );
  const fault = subject === null ? null : await here.faultPlan.takeTruncation(subject);
  return {
    kind: 'download',
    path: file.contentPath,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${file.fileName}"`,
    },
    withLength: true,
    truncation: fault === null ? null : await truncationOf(fault, file.contentPath),
  };
}

function findFile(here: FileSurroundings, exchange: Exchange): FileRecord {
  const id = exchange.params.fileId ?? '';
  const file = here.fileStore.find(id);
  if (file === undefined) throw new RefusedCall(errorReply(404, invalidRequest(`No such File object: ${id}`, 'id')));
  return file;
}

function wireFile(file: FileRecord): JsonObject {
  return {
    object: 'file',
    id: file.id,
    purpose: file.purpose,
    filename: file.fileName,
    bytes: file.bytes,
    created_at: Math.floor(file.createdAtMs / 1000),
    expires_at: file.expiresAtMs === null ? null : Math.floor(file.expiresAtMs / 1000),
    status: 'processed',
    status_details: null,
  };
}

function ok(body: JsonObject): JsonReply {
  return { kind: 'json', status: 200, body };
}

function refused(message: string, param: string, code: string): RefusedCall {
  return new RefusedCall(errorReply(400, invalidRequest(message, param, code)));
}
