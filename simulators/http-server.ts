import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

// Node's own server rather than a framework: a simulator must be able to cut a socket at a chosen byte.

export interface Exchange {
  request: IncomingMessage;
  url: URL;
  /** What the route's `:name` segments stood for. */
  params: Record<string, string>;
  /** Faults write here what happens to the answer. */
  fate: Fate;
}

export interface Fate {
  answerDelayMs: number;
  cutInsteadOfAnswering: boolean;
  /** More is refused with a 413 once it has come. */
  maxBytes: number;
  /** Each makes another answer of the one before. */
  changes: ((reply: Reply) => Reply)[];
}

export interface JsonReply {
  kind: 'json';
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export interface DownloadReply {
  kind: 'download';
  path: string;
  headers: Record<string, string>;
  /** Whether the length is promised; otherwise the body is chunked. */
  withLength: boolean;
  /** Null: sent whole. */
  truncation: { isClean: boolean; endByte: number } | null;
}

/** A body that is not what the API speaks. */
export interface TextReply {
  kind: 'text';
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type Reply = JsonReply | DownloadReply | TextReply;

export interface Route {
  method: string;
  /** Such as `/v1/batches/:batchId`, or `/v1/batches/:batchId:cancel`. */
  path: string;
  answer(exchange: Exchange): Promise<Reply>;
}

/** Thrown to answer at once with a refusal. */
export class RefusedCall extends Error {
  readonly reply: JsonReply;

  constructor(reply: JsonReply) {
    super(`refused with ${reply.status}`);
    this.name = 'RefusedCall';
    this.reply = reply;
  }
}

/** Thrown to destroy the socket without an answer. */
export class CutConnection extends Error {
  constructor() {
    super('the simulator cut this connection');
    this.name = 'CutConnection';
  }
}

export interface ServiceDescription {
  port: number;
  routes: Route[];
  /** Headers of every answer, such as the request's id. */
  answerHeaders(): Record<string, string>;
  /** Finishes a JSON answer, knowing the headers above. */
  finishReply(reply: JsonReply, answerHeaders: Record<string, string>): JsonReply;
  /** Throws RefusedCall for a caller that may not call; not asked for `/__simulator`. */
  admit(exchange: Exchange): void;
  unknownRoute(exchange: Exchange): JsonReply;
  internalError(): JsonReply;
}

export interface RunningService {
  /** Such as `http://127.0.0.1:4010`. */
  origin: string;
  close(): Promise<void>;
}

export async function serve(service: ServiceDescription): Promise<RunningService> {
  const server = createServer((request, response) => void handle(service, request, response));
  server.requestTimeout = 0; // a slow upload is the client's affair
  const port = await listen(server, service.port);
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return reject(new Error('no port to listen on'));
      resolve(address.port);
    });
  });
}

async function handle(service: ServiceDescription, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
  const exchange: Exchange = {
    request,
    url,
    params: {},
    fate: { answerDelayMs: 0, cutInsteadOfAnswering: false, maxBytes: Number.POSITIVE_INFINITY, changes: [] },
  };
  const headers = service.answerHeaders();
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const finish = (reply: Reply) => (reply.kind === 'json' ? service.finishReply(reply, headers) : reply);
  try {
    const right = await replyTo(service, exchange);
    const reply = exchange.fate.changes.reduce((changed, change) => change(changed), right);
    if (exchange.fate.answerDelayMs > 0) await sleep(exchange.fate.answerDelayMs);
    if (exchange.fate.cutInsteadOfAnswering) throw new CutConnection();
    await send(response, finish(reply));
  } catch (error) {
    const refusal = error instanceof RefusedCall ? error.reply : service.internalError();
    await answerFailure(exchange.request, response, error, finish(refusal));
  }
}

async function replyTo(service: ServiceDescription, exchange: Exchange): Promise<Reply> {
  if (!exchange.url.pathname.startsWith('/__simulator/')) service.admit(exchange);
  for (const route of service.routes) {
    if (route.method !== exchange.request.method) continue;
    const params = matchPath(route.path, exchange.url.pathname);
    if (params === null) continue;
    exchange.params = params;
    return route.answer(exchange);
  }
  return service.unknownRoute(exchange);
}

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const expected = pattern.split('/');
  const given = path.split('/');
  if (expected.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [position, segment] of expected.entries()) {
    const value = given[position] ?? '';
    const [, name, suffix = ''] = /^:(\w+)(.*)$/.exec(segment) ?? [];
    if (!value.endsWith(suffix) || (name === undefined && segment !== value)) return null;
    if (name !== undefined) params[name] = decodeURIComponent(value.slice(0, value.length - suffix.length));
  }
  return params;
}

async function answerFailure(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  refusal: Reply,
): Promise<void> {
  if (error instanceof CutConnection || response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (!(error instanceof RefusedCall)) console.error('simulator: unexpected error:', error);
  // A client that is still sending would see a reset connection instead of the refusal.
  await drain(request);
  await send(response, refusal);
}

async function drain(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  request.resume();
  await new Promise<void>((resolve) => {
    request.once('end', resolve);
    request.once('close', resolve);
  });
}

async function send(response: ServerResponse, reply: Reply): Promise<void> {
  switch (reply.kind) {
    case 'json':
      return sendJson(response, reply);
    case 'download':
      return sendDownload(response, reply);
    case 'text':
      response.writeHead(reply.status, reply.headers);
      response.end(reply.body);
  }
}

function sendJson(response: ServerResponse, reply: JsonReply): void {
  const body = Buffer.from(JSON.stringify(reply.body));
  response.writeHead(reply.status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...reply.headers,
  });
  response.end(body);
}

async function sendDownload(response: ServerResponse, reply: DownloadReply): Promise<void> {
  const { truncation } = reply;
  const isCut = truncation?.isClean === false;
  const { size } = await stat(reply.path);
  response.writeHead(200, {
    ...reply.headers,
    ...((reply.withLength && truncation === null) || isCut ? { 'content-length': size } : {}),
  });
  const endByte = truncation?.endByte ?? size;
  if (endByte > 0) {
    await pipeline(createReadStream(reply.path, { end: endByte - 1 }), response, { end: !isCut });
  } else if (!isCut) response.end();
  // Only after the bytes have left: destroying the socket throws away what is still buffered.
  if (isCut) await flushed(response);
  if (isCut) response.destroy();
}

function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.flushHeaders();
    response.write(Buffer.alloc(0), () => resolve());
  });
}

/** Reads a whole body. @throws RefusedCall with `tooLarge` beyond maxBytes. */
export async function readBody(request: IncomingMessage, maxBytes: number, tooLarge: JsonReply): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // Read to the end all the same: leaving the loop early would destroy the socket, and the refusal with it.
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  if (bytes > maxBytes) throw new RefusedCall(tooLarge);
  return Buffer.concat(chunks);
}
