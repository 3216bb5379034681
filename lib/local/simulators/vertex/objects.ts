import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { strikeCall } from '../call-faults.ts';
import type { FaultBook, FaultSubject } from '../fault-book.ts';
import { errorReply } from '../google/error-reply.ts';
import { type Exchange, type JsonReply, RefusedCall, type Reply, type Route } from '../http-server.ts';
import type { FileRecord, FileShelf } from '../openai/file-shelf.ts';
import { truncationOf } from '../truncation.ts';
import { uniqueHex } from '../unique-id.ts';

/** What the routes of Cloud Storage need of the rest of the simulator. */
export interface ObjectSurroundings {
  shelf: FileShelf;
  book: FaultBook;
  uploadFolder: string;
  /** The job that a result came from. */
  subjectOf(file: FileRecord): FaultSubject | null;
}

/** Cloud Storage's JSON API, as far as jobs need it: media uploads, lists by prefix, downloads. */
export function objectRoutes(here: ObjectSurroundings): Route[] {
  return [
    { method: 'POST', path: '/upload/storage/v1/b/:bucket/o', answer: (exchange) => upload(here, exchange) },
    { method: 'GET', path: '/storage/v1/b/:bucket/o', answer: async (exchange) => listObjects(here, exchange) },
    { method: 'GET', path: '/storage/v1/b/:bucket/o/:object', answer: (exchange) => download(here, exchange) },
  ];
}

/** An object's place on the shelf. */
export function objectId(bucket: string, name: string): string {
  return createHash('sha256').update(`${bucket}/${name}`).digest('hex');
}

async function upload(here: ObjectSurroundings, exchange: Exchange): Promise<JsonReply> {
  const query = exchange.url.searchParams;
  const { bucket = '' } = exchange.params;
  const name = query.get('name');
  if (query.get('uploadType') !== 'media' || !name) throw new RefusedCall(errorReply(400, 'Required parameter: name'));
  await strikeCall(here.book, exchange, 'upload', null, errorReply);
  const path = join(here.uploadFolder, uniqueHex('', 24));
  await pipeline(exchange.request, createWriteStream(path));
  const { size } = await stat(path);
  const announced = exchange.request.headers['content-length'];
  if (announced !== undefined && Number(announced) !== size) throw new RefusedCall(errorReply(400));
  const id = objectId(bucket, name);
  const file = here.shelf.putUpload(
    { id, bytes: size, createdAtMs: Date.now(), expiresAtMs: null, fileName: name, purpose: bucket },
    path,
  );
  return { kind: 'json', status: 200, body: wireObject(file) };
}

function listObjects(here: ObjectSurroundings, exchange: Exchange): JsonReply {
  const prefix = exchange.url.searchParams.get('prefix') ?? '';
  const items = here.shelf
    .newestFirst()
    .filter((file) => file.purpose === exchange.params.bucket && file.fileName.startsWith(prefix))
    .map(wireObject);
  return { kind: 'json', status: 200, body: { kind: 'storage#objects', ...(items.length > 0 && { items }) } };
}

async function download(here: ObjectSurroundings, exchange: Exchange): Promise<Reply> {
  const { bucket = '', object = '' } = exchange.params;
  const file = here.shelf.find(objectId(bucket, object));
  if (file === undefined) throw new RefusedCall(errorReply(404, `No such object: ${bucket}/${object}`));
  if (exchange.url.searchParams.get('alt') !== 'media') return { kind: 'json', status: 200, body: wireObject(file) };
  const subject = here.subjectOf(file);
  await strikeCall(here.book, exchange, 'results', subject, errorReply);
  const fault = subject === null ? null : await here.book.takeTruncation(subject);
  return {
    kind: 'download',
    path: file.contentPath,
    headers: { 'content-type': 'application/octet-stream' },
    withLength: true,
    truncation: fault === null ? null : await truncationOf(fault, file.contentPath),
  };
}

function wireObject(file: FileRecord): object {
  return { kind: 'storage#object', name: file.fileName, bucket: file.purpose, size: String(file.bytes) };
}
