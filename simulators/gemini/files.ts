import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import type { FileRecord } from '../file-store.ts';
import { downloadOf } from '../google/batch-calls.ts';
import { errorReply } from '../google/error-reply.ts';
import type { GoogleBackend } from '../google/service.ts';
import { type Exchange, type JsonReply, RefusedCall, type Reply, type Route, readBody } from '../http-server.ts';
import { parseJson } from '../json.ts';
import { uniqueHex } from '../unique-id.ts';

/** Bytes of one file. Source: https://ai.google.dev/gemini-api/docs/files, read 2026-11. */
const maxFileBytes = 2 * 1024 ** 3;
const maxStartBytes = 64 * 1024;

const startSchema = z.strictObject({
  file: z
    .strictObject({
      name: z.string().optional(),
      displayName: z.string().optional(),
      mimeType: z.string().optional(),
      sizeBytes: z.string().optional(),
    })
    .optional(),
});

interface StartedUpload {
  bytes: number;
  displayName: string;
}

/** The Files API, as far as batches need it: resumable uploads in one piece or more, and downloads. */
export function fileRoutes(backend: GoogleBackend): Route[] {
  const started = new Map<string, StartedUpload>();
  return [
    { method: 'POST', path: '/upload/v1beta/files', answer: (exchange) => upload(backend, started, exchange) },
    { method: 'GET', path: '/v1beta/files/:file', answer: async (exchange) => getFile(backend, exchange) },
    { method: 'GET', path: '/download/v1beta/files/:file', answer: (exchange) => download(backend, exchange) },
  ];
}

async function upload(
  backend: GoogleBackend,
  started: Map<string, StartedUpload>,
  exchange: Exchange,
): Promise<JsonReply> {
  const { headers } = exchange.request;
  const command = String(headers['x-goog-upload-command'] ?? '');
  return command === 'start' ? startUpload(started, exchange) : receive(backend, started, exchange, command);
}

async function startUpload(started: Map<string, StartedUpload>, exchange: Exchange): Promise<JsonReply> {
  const { headers } = exchange.request;
  const body = await readBody(exchange.request, maxStartBytes, errorReply(413));
  const start = startSchema.safeParse(parseJson(body.toString('utf8')));
  const bytes = Number(headers['x-goog-upload-header-content-length']);
  if (!start.success || headers['x-goog-upload-protocol'] !== 'resumable' || !Number.isInteger(bytes))
    throw new RefusedCall(errorReply(400, 'Invalid start of an upload.'));
  if (!headers['x-goog-upload-header-content-type']) throw new RefusedCall(errorReply(400, 'Content type is missing.'));
  if (bytes > maxFileBytes) throw new RefusedCall(errorReply(400, 'The file is too large.'));
  const id = uniqueHex('', 24);
  started.set(id, { bytes, displayName: start.data.file?.displayName ?? '' });
  const url = `http://${headers.host}/upload/v1beta/files?upload_id=${id}&upload_protocol=resumable`;
  return {
    kind: 'json',
    status: 200,
    body: {},
    headers: { 'x-goog-upload-url': url, 'x-goog-upload-status': 'active' },
  };
}

async function receive(
  backend: GoogleBackend,
  started: Map<string, StartedUpload>,
  exchange: Exchange,
  command: string,
): Promise<JsonReply> {
  const id = exchange.url.searchParams.get('upload_id') ?? '';
  const begun = started.get(id);
  if (begun === undefined) throw new RefusedCall(errorReply(404));
  await applyCallFaults(backend.faultPlan, exchange, 'upload', null, errorReply);
  const path = join(backend.uploadFolder, id);
  const offset = Number(exchange.request.headers['x-goog-upload-offset']);
  await pipeline(exchange.request, createWriteStream(path, { flags: offset > 0 ? 'a' : 'w' }));
  if (!command.includes('finalize'))
    return { kind: 'json', status: 200, body: {}, headers: { 'x-goog-upload-status': 'active' } };
  const { size } = await stat(path);
  assertSize(exchange, size, errorReply);
  if (size !== begun.bytes)
    throw new RefusedCall(errorReply(400, 'The size of the upload is not the one that was announced.'));
  started.delete(id);
  const file = backend.fileStore.putUpload(
    {
      id: uniqueHex('', 12),
      bytes: size,
      createdAtMs: Date.now(),
      expiresAtMs: Date.now() + 48 * 3_600_000,
      fileName: begun.displayName,
      purpose: 'batch',
    },
    path,
  );
  return { kind: 'json', status: 200, body: { file: wireFile(file) }, headers: { 'x-goog-upload-status': 'final' } };
}

function getFile(backend: GoogleBackend, exchange: Exchange): JsonReply {
  return { kind: 'json', status: 200, body: wireFile(findFile(backend, exchange.params.file ?? '')) };
}

async function download(backend: GoogleBackend, exchange: Exchange): Promise<Reply> {
  const name = exchange.params.file ?? '';
  if (!name.endsWith(':download') || exchange.url.searchParams.get('alt') !== 'media')
    throw new RefusedCall(errorReply(404));
  const file = findFile(backend, name.slice(0, -':download'.length));
  if (file.batchId === null) throw new RefusedCall(errorReply(400, 'Only generated files can be downloaded.'));
  return await downloadOf(backend, exchange, file);
}

function findFile(backend: GoogleBackend, id: string): FileRecord {
  const file = backend.fileStore.find(id);
  if (file === undefined)
    throw new RefusedCall(errorReply(403, `You do not have permission to access the File ${id} or it may not exist.`));
  return file;
}

function wireFile(file: FileRecord): object {
  return {
    name: `files/${file.id}`,
    displayName: file.fileName,
    mimeType: 'application/jsonl',
    sizeBytes: String(file.bytes),
    createTime: new Date(file.createdAtMs).toISOString(),
    updateTime: new Date(file.createdAtMs).toISOString(),
    uri: `https://generativelanguage.googleapis.com/v1beta/files/${file.id}`,
    state: 'ACTIVE',
    source: file.batchId === null ? 'UPLOADED' : 'GENERATED',
  };
}
