import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { z } from 'zod';
import { md5Digest } from '../../lib/client/md5-digest.ts';
import { ArrayElements } from '../../lib/lines/array-elements.ts';
import { maxLineBytes } from '../../lib/lines/jsonl.ts';
import { RefusedCallError } from '../../lib/live/answer.ts';
import { forward, giveBack, passOn } from '../../lib/live/pass-on.ts';
import type { OtherCalls } from '../../lib/live/server.ts';
import type { LiveTarget } from '../../lib/live/target.ts';
import { messageOf } from '../../lib/records/errors.ts';
import { maxParts, recommendedPartBytes } from '../../lib/records/upload-limits.ts';

/** Everything that is no live call goes to the provider as it is, and costs what it costs there. */
export function passingThrough(target: LiveTarget): OtherCalls {
  return async (request, response, path) => {
    await target.assertNoCircle();
    await passOn(target, request, response, { path });
    return true;
  };
}

/** What batch code of OpenAI's and Anthropic's clients calls. */
const batchPaths = /^\/(files|uploads|batches|messages\/batches)(\/|\?|$)/;

/**
 * Passes batch code on to a deployment. A gateway takes 4 MiB a request, so a larger file goes as an upload in parts, and a larger part
 * of an upload as several parts.
 */
export function batchCallsFor(target: LiveTarget): OtherCalls {
  return async (request, response, path) => {
    if (!batchPaths.test(path)) return false;
    const [, uploadId, action] = /^\/uploads\/([^/?]+)\/(parts|complete)$/.exec(path) ?? [];
    const isPost = request.method === 'POST';
    if (isPost && path === '/files') await storeFile(target, request, response);
    else if (isPost && uploadId && action === 'parts') await addPart(target, uploadId, request, response);
    else if (isPost && uploadId) await completeUpload(target, uploadId, request, response);
    else if (isPost && isLargeMessageBatch(path, request)) await createMessageBatch(target, request, response);
    else if (/^\/messages\/batches(\/[^/]+)?(\/cancel)?(\?|$)/.test(path))
      await giveBack(await withOwnUrls(await forward(target, request, response, { path }), request), response);
    else await passOn(target, request, response, { path });
    return true;
  };
}

/** A form whose file stands on the disk of this machine. */
interface ReceivedForm {
  fields: Record<string, string>;
  filename: string;
  file: Blob;
}

/** Receives a form and hands it over; its file is removed afterwards. Memory does not grow with it. */
async function withForm<Result>(
  request: IncomingMessage,
  field: string,
  use: (form: ReceivedForm) => Promise<Result>,
): Promise<Result> {
  return await withFolder(async (folder) => use(await received(request, field, join(folder, 'file'))));
}

async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'batchdrop-serve-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function received(request: IncomingMessage, field: string, path: string): Promise<ReceivedForm> {
  const fields: Record<string, string> = {};
  const streams: Readable[] = [];
  const failures: unknown[] = [];
  const names: string[] = [];
  let writing: Promise<void> = Promise.resolve();
  const form = openForm(request.headers['content-type'] ?? '');
  form.on('field', (name, value) => {
    fields[name] = value;
  });
  form.on('file', (name, stream: Readable, given) => {
    streams.push(stream.on('error', () => undefined));
    if (name !== field || names.length > 0) return void stream.resume();
    names.push(given ?? '');
    writing = pipeline(stream, createWriteStream(path, { mode: 0o600 })).catch((error: unknown) => {
      failures.push(error);
      form.destroy(error instanceof Error ? error : undefined);
    });
  });
  const parsed = await pipeline(request, form).then(
    () => true,
    () => false,
  );
  const [failure] = failures; // of the disk; what follows a form that broke off is its echo
  if (!parsed) for (const stream of streams) stream.destroy();
  await writing;
  if (failure !== undefined || (parsed && failures.length > 0)) throw failure ?? failures[0];
  if (!parsed) throw brokenForm();
  const [filename] = names;
  if (filename === undefined)
    throw new RefusedCallError(400, 'missing_required_parameter', `The form has no file '${field}'.`, field);
  return { fields, filename, file: await openAsBlob(path) };
}

function openForm(contentType: string) {
  try {
    return new Busboy({ headers: { 'content-type': contentType } });
  } catch {
    throw brokenForm();
  }
}

function brokenForm(): RefusedCallError {
  return new RefusedCallError(400, 'invalid_form', 'The body is no multipart form, or broke off.');
}

async function storeFile(target: LiveTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
  await withForm(request, 'file', async (form) => {
    const isSmall = form.file.size <= recommendedPartBytes;
    await giveBack(isSmall ? await storeWhole(target, form) : await storeInParts(target, form), response);
  });
}

async function storeWhole(target: LiveTarget, { fields, filename, file }: ReceivedForm): Promise<Response> {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append('file', new File([file], filename));
  return await target.send('/files', { method: 'POST', body });
}

/** @returns the stored file, or the first refusal; an upload that was refused is cancelled. */
async function storeInParts(target: LiveTarget, form: ReceivedForm): Promise<Response> {
  const { fields, filename, file } = form;
  const announced = { filename, purpose: fields.purpose, bytes: file.size, mime_type: 'application/jsonl' };
  const begun = await target.send('/uploads', asJson({ ...announced, ...lifeOf(fields) }));
  if (!begun.ok) return begun;
  const { id } = idSchema.parse(await begun.json());
  const sent = await sendParts(target, id, form);
  const done = sent instanceof Response ? sent : await target.send(`/uploads/${id}/complete`, asJson(sent));
  if (done.ok) return Response.json(uploadSchema.parse(await done.json()).file);
  await target.send(`/uploads/${id}/cancel`, { method: 'POST' }).catch(() => undefined);
  return done;
}

/** How long the file is to be kept, which a form says in two fields. */
function lifeOf(fields: Record<string, string>): object {
  const [anchor, seconds] = [fields['expires_after[anchor]'], fields['expires_after[seconds]']];
  return anchor === undefined && seconds === undefined ? {} : { expires_after: { anchor, seconds: Number(seconds) } };
}

const partsAtATime = 4;

/** @returns what completes the upload with these parts, or the first refusal. */
async function sendParts(
  target: LiveTarget,
  uploadId: string,
  { file, filename }: ReceivedForm,
): Promise<{ part_ids: string[]; md5: string } | Response> {
  const partIds: string[] = [];
  const md5 = md5Digest();
  for (let start = 0; start < file.size; start += partsAtATime * recommendedPartBytes) {
    const starts = Array.from({ length: partsAtATime }, (_, ahead) => start + ahead * recommendedPartBytes);
    const sending: Promise<Response>[] = [];
    for (const from of starts.filter((each) => each < file.size)) {
      const bytes = new Uint8Array(await file.slice(from, from + recommendedPartBytes).arrayBuffer());
      md5.update(bytes);
      const body = new FormData();
      body.append('data', new File([bytes], filename));
      sending.push(target.send(`/uploads/${uploadId}/parts`, { method: 'POST', body }));
    }
    for (const answer of await Promise.all(sending)) {
      if (!answer.ok) return answer;
      partIds.push(idSchema.parse(await answer.json()).id);
    }
  }
  return { part_ids: partIds, md5: md5.digest() };
}

/** Stands between the ids of the parts that a larger one went as; no id has it. */
const separator = '.';

async function addPart(
  target: LiveTarget,
  uploadId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await withForm(request, 'data', async (form) => {
    const sent = await sendParts(target, uploadId, form);
    if (sent instanceof Response) return await giveBack(sent, response);
    const part = { id: sent.part_ids.join(separator), object: 'upload.part', upload_id: uploadId };
    await giveBack(Response.json({ ...part, created_at: Math.floor(Date.now() / 1000) }), response);
  });
}

/** 8,192 parts, each the name of 16 others. */
const maxCompletionBytes = maxParts * 16 * 50;

async function completeUpload(
  target: LiveTarget,
  uploadId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > maxCompletionBytes)
      throw new RefusedCallError(413, 'request_too_large', 'The completion is too large.');
    pieces.push(piece);
  }
  const body = completionSchema.parse(JSON.parse(Buffer.concat(pieces).toString('utf8')));
  const partIds = body.part_ids.flatMap((id) => id.split(separator));
  await giveBack(await target.send(`/uploads/${uploadId}/complete`, asJson({ ...body, part_ids: partIds })), response);
}

/** A smaller one passes the gateway as it is. */
function isLargeMessageBatch(path: string, { headers }: IncomingMessage): boolean {
  const bytes = Number(headers['content-length'] ?? Number.POSITIVE_INFINITY);
  return /^\/messages\/batches(\?|$)/.test(path) && bytes > recommendedPartBytes;
}

/** One bad request is its own result, as where the deployment is asked itself. */
const messageBatchDefaults = { on_invalid_line: 'error_line', on_unknown_model: 'error_line' };

/** Creates the batch of an upload of its requests; it is a message batch like any other, whose requests are a file of their own. */
async function createMessageBatch(
  target: LiveTarget,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { 'anthropic-beta': betas = '', 'x-batchdrop-options': options } = request.headersDistinct;
  const beta = [betas].flat().find((name) => name !== '' && !/^message-batches-[\d-]+$/.test(name));
  if (beta !== undefined)
    throw invalid(
      `anthropic-beta: '${beta.slice(0, 100)}' cannot go with so large a batch; name it in each request's params.betas`,
    );
  const answer = await withFolder(async (folder) => {
    const { file, others } = await receivedRequests(request, join(folder, 'file'));
    const form = { fields: { purpose: 'batch' }, filename: 'requests.jsonl', file };
    const stored = await storeInParts(target, form);
    if (!stored.ok) return stored;
    const { id: input_file_id } = idSchema.parse(await stored.json());
    const ofHeader = options === undefined ? {} : objectSchema.parse(JSON.parse(options.join()));
    const fixed = { input_file_id, endpoint: '/v1/messages', completion_window: '24h' };
    const creation = asJson({ ...messageBatchDefaults, ...ofHeader, ...others, ...fixed });
    const created = await target.send('/batches', {
      ...creation,
      headers: { ...creation.headers, ...repeatHeaders(request) },
    });
    if (!created.ok) return created;
    const { id } = idSchema.parse(await created.json());
    return await target.send(`/messages/batches/${id.replace(/^batch_/, 'msgbatch_')}`, {
      headers: versionOf(request),
    });
  });
  await giveBack(await withOwnUrls(answer, request), response);
}

const messageBatchSchema = z.looseObject({ id: z.string(), results_url: z.string().nullable() });
const messageBatchesSchema = z.looseObject({ data: z.array(messageBatchSchema) });

/** Anthropic's client reads results where their URL leads, with its own key: that is here, and not at the deployment. */
async function withOwnUrls(answer: Response, { headers, url = '' }: IncomingMessage): Promise<Response> {
  if (!answer.ok) return answer;
  const base = `http://${headers.host}${url.slice(0, url.indexOf('/v1/'))}/v1/messages/batches`;
  const own = (batch: z.infer<typeof messageBatchSchema>) => ({
    ...batch,
    results_url: batch.results_url && `${base}/${batch.id}/results`,
  });
  const body: unknown = await answer.json();
  const list = messageBatchesSchema.safeParse(body).data;
  const batch = messageBatchSchema.safeParse(body).data;
  const shown = list ? { ...list, data: list.data.map(own) } : batch ? own(batch) : body;
  return Response.json(shown, { status: answer.status, headers: answer.headers });
}

/** Writes each request on a line of its own while the body comes in. */
async function receivedRequests(request: IncomingMessage, path: string): Promise<{ file: Blob; others: object }> {
  const elements = new ArrayElements('requests', { maxElementBytes: maxLineBytes });
  const newline = Buffer.from('\n');
  async function* lines(): AsyncGenerator<Buffer> {
    for await (const chunk of request)
      for (const element of taken(() => elements.push(chunk))) yield Buffer.concat([element, newline]);
  }
  await pipeline(lines, createWriteStream(path, { mode: 0o600 }));
  const { requests, ...others } = taken(() => objectSchema.parse(JSON.parse(elements.finish().rest)));
  if (!Array.isArray(requests) || requests.length === 0) throw invalid('requests: List should have at least 1 item');
  return { file: await openAsBlob(path), others };
}

/** What a body is refused for is said in Anthropic's form. */
function taken<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw invalid(messageOf(error));
  }
}

function invalid(message: string): RefusedCallError {
  return new RefusedCallError(400, 'invalid_request', message);
}

/** By which a repeated creation is known. */
function repeatHeaders({ headersDistinct }: IncomingMessage): Record<string, string> {
  const names = ['idempotency-key', 'x-stainless-retry-count'];
  return Object.fromEntries(
    names.flatMap((name) => headersDistinct[name]?.slice(0, 1).map((value) => [name, value]) ?? []),
  );
}

function versionOf({ headersDistinct }: IncomingMessage): Record<string, string> {
  return { 'anthropic-version': headersDistinct['anthropic-version']?.[0] ?? '2023-06-01' };
}

const objectSchema = z.record(z.string(), z.unknown());

function asJson(body: object): { method: string; headers: Record<string, string>; body: string } {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

const idSchema = z.looseObject({ id: z.string() });
const uploadSchema = z.looseObject({ file: z.looseObject({ id: z.string() }) });
const completionSchema = z.looseObject({ part_ids: z.array(z.string()) });
