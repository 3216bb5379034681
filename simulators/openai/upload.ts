import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { RefusedCall } from '../http-server.ts';
import { errorReply, invalidRequest } from './error-reply.ts';
import { maxFileBytes } from './limits.ts';

export interface ReceivedUpload {
  fields: Map<string, string>;
  /** Null: the form held no file. */
  file: { fileName: string; bytes: number } | null;
}

/**
 * Streams a multipart form's file to disk; memory does not grow with it.
 *
 * @throws RefusedCall if the body is not a form, or the file is too large.
 */
export async function receiveUpload(request: IncomingMessage, path: string): Promise<ReceivedUpload> {
  const received: ReceivedUpload = { fields: new Map(), file: null };
  let writing: Promise<void> = Promise.resolve();
  const form = openForm(request);
  form.on('field', (name, value) => received.fields.set(name, value));
  const streams: Readable[] = [];
  form.on('file', (name, stream, filename) => {
    streams.push(stream.on('error', () => {})); // of a form that is cut off: the form's own error says so
    if (name !== 'file' || received.file !== null) {
      stream.resume();
      return;
    }
    const file = { fileName: filename ?? 'upload', bytes: 0 };
    received.file = file;
    writing = writeFile(stream, path, file);
    writing.catch(() => {}); // awaited below; here only so that it is never unhandled
  });
  try {
    await pipeline(request, form);
  } catch {
    for (const stream of streams) stream.destroy(); // the parser would leave them, and the file on disk, open
    throw new RefusedCall(errorReply(400, invalidRequest('Could not parse multipart form')));
  }
  await writing;
  return received;
}

function openForm(request: IncomingMessage): BusboyInstance {
  const { 'content-type': type = '', ...headers } = request.headers;
  try {
    return new Busboy({ headers: { ...headers, 'content-type': type }, limits: { fileSize: maxFileBytes + 1 } });
  } catch {
    throw new RefusedCall(
      errorReply(400, invalidRequest("Invalid Content-Type header: expected 'multipart/form-data'.")),
    );
  }
}

async function writeFile(stream: Readable, path: string, file: { bytes: number }): Promise<void> {
  stream.on('data', (chunk: Buffer) => {
    file.bytes += chunk.length;
  });
  await pipeline(stream, createWriteStream(path));
  if (file.bytes <= maxFileBytes) return;
  await rm(path, { force: true });
  throw new RefusedCall(errorReply(413, invalidRequest('413: The data value transmitted exceeds the capacity limit.')));
}
