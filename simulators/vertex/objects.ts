import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { applyCallFaults, assertSize } from '../call-faults.ts';
import type { FileRecord } from '../file-store.ts';
import { downloadOf } from '../google/batch-calls.ts';
import { errorReply } from '../google/error-reply.ts';
import type { GoogleBackend } from '../google/service.ts';
import { type Exchange, type JsonReply, RefusedCall, type Reply, type Route } from '../http-server.ts';
import { uniqueHex } from '../unique-id.ts';

/** Cloud Storage's JSON API, as far as jobs need it: media uploads, lists by prefix, downloads. */
export function objectRoutes(backend: GoogleBackend): Route[] {
  return [
    { method: 'POST', path: '/upload/storage/v1/b/:bucket/o', answer: (exchange) => upload(backend, exchange) },
    { method: 'GET', path: '/storage/v1/b/:bucket/o', answer: async (exchange) => listObjects(backend, exchange) },
    { method: 'GET', path: '/storage/v1/b/:bucket/o/:object', answer: (exchange) => download(backend, exchange) },
  ];
}

export interface ObjectPlace {
  bucket: string;
  name: string;
}

export function placeOf(uri: string): ObjectPlace {
  const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  return { bucket, name };
}

/** An object's id stored. */
export function objectId({ bucket, name }: ObjectPlace): string {
  return createHash('sha256').update(`${bucket}/${name}`).digest('hex');
}

async function upload(backend: GoogleBackend, exchange: Exchange): Promise<JsonReply> {
  const query = exchange.url.searchParams;
  const { bucket = '' } = exchange.params;
  const name = query.get('name');
  if (query.get('uploadType') !== 'media' || !name) throw new RefusedCall(errorReply(400, 'Required parameter: name'));
  await applyCallFaults(backend.faultPlan, exchange, 'upload', null, errorReply);
  const path = join(backend.uploadFolder, uniqueHex('', 24));
  await pipeline(exchange.request, createWriteStream(path));
  const { size } = await stat(path);
  assertSize(exchange, size, errorReply);
  const announced = exchange.request.headers['content-length'];
  if (announced !== undefined && Number(announced) !== size) throw new RefusedCall(errorReply(400));
  const id = objectId({ bucket, name });
  const file = backend.fileStore.putUpload(
    { id, bytes: size, createdAtMs: Date.now(), expiresAtMs: null, fileName: name, purpose: bucket },
    path,
  );
  return { kind: 'json', status: 200, body: wireObject(file) };
}

function listObjects(backend: GoogleBackend, exchange: Exchange): JsonReply {
  const prefix = exchange.url.searchParams.get('prefix') ?? '';
  const items = backend.fileStore
    .newestFirst()
    .filter((file) => file.purpose === exchange.params.bucket && file.fileName.startsWith(prefix))
    .map(wireObject);
  return { kind: 'json', status: 200, body: { kind: 'storage#objects', ...(items.length > 0 && { items }) } };
}

async function download(backend: GoogleBackend, exchange: Exchange): Promise<Reply> {
  const { bucket = '', object = '' } = exchange.params;
  const file = backend.fileStore.find(objectId({ bucket, name: object }));
  if (file === undefined) throw new RefusedCall(errorReply(404, `No such object: ${bucket}/${object}`));
  if (exchange.url.searchParams.get('alt') !== 'media') return { kind: 'json', status: 200, body: wireObject(file) };
  return await downloadOf(backend, exchange, file);
}

function wireObject(file: FileRecord): object {
  return { kind: 'storage#object', name: file.fileName, bucket: file.purpose, size: String(file.bytes) };
}
