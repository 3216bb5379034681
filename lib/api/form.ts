import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { ApiContext } from './api-environment.ts';
import { ApiError } from './api-error.ts';
import { bodyChunks, unsupportedType } from './request-body.ts';

/** Ours have five fields of a few characters. */
const formLimits = { fields: 20, fieldSize: 4_096, files: 2, parts: 24, headerPairs: 40 };

/** What takes a form's file while it comes in. */
export interface FileReceiver {
  bytes: number;
  write(chunk: Buffer): Promise<void>;
  abort(): Promise<void>;
}

export interface ReceivedForm {
  fields: Record<string, string>;
  /** Without folders, whatever the client sent; null where the form held no such file. */
  filename: string | null;
}

export interface FormFile {
  /** Name of the field that holds the file. */
  field: string;
  receiver: FileReceiver;
  maxBytes: number;
  /** What to do with a larger one. */
  tooLarge: (maxBytes: number) => ApiError;
}

/**
 * Reads a multipart form and streams its file to a receiver: memory does not grow with it. On any error the receiver is
 * told to give up.
 *
 * @throws ApiError for what is no form, or a file that is too large.
 */
export async function receiveForm(context: ApiContext, file: FormFile): Promise<ReceivedForm> {
  try {
    return await receive(context, file);
  } catch (error) {
    await file.receiver.abort();
    throw error;
  }
}

async function receive(context: ApiContext, file: FormFile): Promise<ReceivedForm> {
  assertAnnouncedSize(context, file);
  const form = openForm(context.req.header('content-type'));
  const received: ReceivedForm = { fields: {}, filename: null };
  const failures: unknown[] = [];
  let receiving: Promise<void> = Promise.resolve();
  const streams: Readable[] = [];
  form.on('field', (name, value) => {
    received.fields[name] = value;
  });
  form.on('file', (name, stream, filename) => {
    streams.push(stream.on('error', () => undefined)); // of a form that is cut off: the form's own error says so
    if (name !== file.field || received.filename !== null) {
      stream.resume();
      return;
    }
    received.filename = filename ?? '';
    receiving = copy(stream, file).catch((error: unknown) => {
      failures.push(error);
      form.destroy(asError(error));
    });
  });
  await parse(context, form).catch((error: unknown) => {
    failures.push(error);
    for (const stream of streams) stream.destroy(asError(error)); // the parser would leave them open for ever
  });
  await receiving;
  if (failures.length > 0) throw failures[0]; // the first is the cause, what follows its echo
  return received;
}

function assertAnnouncedSize(context: ApiContext, { maxBytes, tooLarge }: FormFile): void {
  const boundaries = 16 * 1024;
  if (Number(context.req.header('content-length') ?? 0) > maxBytes + boundaries) throw tooLarge(maxBytes);
}

function openForm(contentType = ''): BusboyInstance {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) throw unsupportedType(contentType, 'multipart/form-data');
  try {
    return new Busboy({ headers: { 'content-type': contentType }, limits: formLimits });
  } catch (cause) {
    throw brokenForm(cause);
  }
}

async function parse(context: ApiContext, form: BusboyInstance): Promise<void> {
  try {
    await pipeline(Readable.from(bodyChunks(context), { objectMode: false, highWaterMark: 256 * 1024 }), form);
  } catch (error) {
    throw refusalOf(error);
  }
}

async function copy(stream: Readable, { receiver, maxBytes, tooLarge }: FormFile): Promise<void> {
  for await (const chunk of chunksOf(stream)) {
    if (receiver.bytes + chunk.length > maxBytes) throw tooLarge(maxBytes);
    await receiver.write(chunk);
  }
}

/** A form that breaks off breaks its file off: that is the client's, unlike an error of the receiver. */
async function* chunksOf(stream: Readable): AsyncGenerator<Buffer> {
  try {
    yield* stream;
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): ApiError {
  return error instanceof ApiError ? error : brokenForm(error);
}

function brokenForm(cause: unknown): ApiError {
  return new ApiError(400, 'Could not parse multipart form.', { code: 'invalid_form' }, { cause });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
