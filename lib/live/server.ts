import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { maxLineBytes } from '../lines/jsonl.ts';
import { dollarsText } from '../records/dollars.ts';
import { messageOf, safeText } from '../records/errors.ts';
import { type CallFailure, errorBody, RefusedCallError } from './answer.ts';
import { type CallerKind, callerKindOf } from './callers.ts';
import { answerHeaders, eventType, jsonType } from './delivery.ts';
import { errorEvent, eventsOf, keepAliveEvent } from './event-stream.ts';
import { type KeptAnswer, noPass, type Pass } from './journal.ts';
import { endpointOfPath, type LiveCall, type LiveEndpoint, lineOf, readLiveCall } from './live-call.ts';
import type { LiveRun, Ticket } from './live-run.ts';
import { passOn } from './pass-on.ts';
import { type LiveTarget, serverHeader } from './target.ts';

export interface ServeOptions {
  run: LiveRun;
  target: LiveTarget;
  /** 0 for a free one. */
  port: number;
  /** Whether callers that were measured get interim responses while they wait. Default: true. */
  sendsInterim?: boolean;
  /** How long every caller is kept before it is asked to come again; without it as long as its client was measured to wait. */
  holdSeconds?: number | undefined;
  /** Between two interim responses, or two comments of a stream. Default: 15. */
  keepAliveSeconds?: number;
  /** Called once for each kind of client that calls. */
  onCaller?: (kind: CallerKind) => void;
  /** Whether a call that no batch can hold is made live, at full price. */
  allowsLive?: boolean;
  /** Answers what is no live call; false for what it does not know, which is a 404 then. */
  others?: OtherCalls | undefined;
}

/** @param path below `/v1`, with its query. */
export type OtherCalls = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

/** A server that answers live calls with what batches gave for them. */
export interface LiveServer {
  url: string;
  close(): Promise<void>;
}

const usualKeepAliveSeconds = 15;

/** Requests of many callers are opened at the same time; the system's own bound is mostly 4,096. */
const backlog = 16_384;

/**
 * Serves live calls on this machine.
 *
 * @throws the system's error where the port is taken.
 */
export async function serveLive(options: ServeOptions): Promise<LiveServer> {
  const handler = new Handler(options);
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      void handler.handle(request, response);
    },
  );
  server.timeout = 0;
  await listening(server, options.port).catch((error: unknown) => {
    handler.stop();
    throw error;
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  handler.port = port;
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server, handler) };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(server: Server, handler: Handler): Promise<void> {
  return new Promise((resolve) => {
    handler.stop();
    server.close(() => resolve());
    server.closeIdleConnections();
    // Whoever was told to come again has a moment to read it.
    setTimeout(() => server.closeAllConnections(), 500).unref();
  });
}

/** Answers one request after the other, and keeps those that wait alive. */
class Handler {
  port = 0;
  readonly #options: ServeOptions;
  readonly #waiting = new Set<WaitingCall>();
  readonly #seen = new Set<string>();
  readonly #keepAlive: NodeJS.Timeout;

  constructor(options: ServeOptions) {
    this.#options = options;
    const seconds = options.keepAliveSeconds ?? usualKeepAliveSeconds;
    this.#keepAlive = setInterval(() => {
      for (const call of this.#waiting) call.keepAlive();
    }, seconds * 1000);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader(serverHeader, this.#options.run.name);
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const endpoint = request.method === 'POST' ? endpointOfPath(url.pathname) : null;
    try {
      this.#assertOwnCaller(request);
      if (endpoint !== null) await this.#call(request, response, endpoint, url.pathname);
      else await this.#other(request, response, url);
    } catch (error) {
      const isOfAnthropic = url.pathname.includes('/v1/messages');
      refuse(response, endpoint ?? (isOfAnthropic ? '/v1/messages' : null), failureOf(error));
    }
  }

  /** A page in a browser can reach this machine as well; neither its own name for it nor its origin is ours. */
  #assertOwnCaller({ headers }: IncomingMessage): void {
    const host = (headers.host ?? '').replace(/:\d+$/, '');
    if (!['127.0.0.1', 'localhost', '[::1]'].includes(host.toLowerCase()))
      throw new RefusedCallError(
        403,
        'forbidden_host',
        `This server answers to 127.0.0.1 and localhost, not to '${host.slice(0, 80)}'.`,
      );
    const own = [`http://127.0.0.1:${this.port}`, `http://localhost:${this.port}`];
    if (headers.origin !== undefined && !own.includes(headers.origin))
      throw new RefusedCallError(
        403,
        'forbidden_origin',
        'This server answers programs, and no pages of other origins.',
      );
  }

  async #call(request: IncomingMessage, response: ServerResponse, endpoint: LiveEndpoint, path: string): Promise<void> {
    const type = request.headers['content-type'] ?? '';
    if (!/^application\/json\s*(;|$)/i.test(type))
      throw new RefusedCallError(
        415,
        'unsupported_media_type',
        'The body is sent with content-type: application/json.',
      );
    const body = await bodyOf(request);
    const { run, target } = this.#options;
    await target.assertNoCircle();
    const call = this.#read(request, endpoint, body);
    if (call === null) {
      response.setHeader('x-batchdrop-live', 'full price');
      return await passOn(target, request, response, { path: endpoint.slice('/v1'.length), body });
    }
    const kind = callerKindOf(request, endpoint);
    this.#meet(kind);
    if (response.destroyed) return;
    const waiting = new WaitingCall(call, response, this.#heldAs(kind), () => this.#waiting.delete(waiting));
    waiting.begin(run.take(call, target, this.#passOf(path), waiting), run.pace);
    if (!waiting.isOver) this.#waiting.add(waiting);
  }

  /** @returns null for a call that is made live. */
  #read(request: IncomingMessage, endpoint: LiveEndpoint, body: Buffer): LiveCall | null {
    try {
      return readLiveCall(endpoint, body, (name) => headerOf(request, name));
    } catch (error) {
      if (!(error instanceof RefusedCallError) || !error.isLiveOnly) throw error;
      if (this.#options.allowsLive) return null;
      const { status, code, message, param } = error.failure;
      const price = liveTextOf(this.#options.target, endpoint, body);
      throw new RefusedCallError(status, code, `${message} --allow-live makes it a live call${price}.`, param);
    }
  }

  #heldAs(kind: CallerKind): CallerKind {
    const { sendsInterim = true, holdSeconds = kind.holdSeconds } = this.#options;
    return { ...kind, holdSeconds, interim: sendsInterim ? kind.interim : null };
  }

  #meet(kind: CallerKind): void {
    if (this.#seen.has(kind.name)) return;
    this.#seen.add(kind.name);
    this.#options.onCaller?.(kind);
  }

  /** `/run/NAME.PASS/v1/...` is a call of that pass. */
  #passOf(path: string): Pass {
    const { run } = this.#options;
    const [, name, pass] = /^\/run\/([^/]+)\.([A-Za-z0-9_-]{1,64})\//.exec(path) ?? [];
    if (name === undefined || pass === undefined) return noPass;
    if (name === run.name) return run.pass(pass);
    const message = `This server works for the run '${run.name}', not '${name.slice(0, 100)}'. Start one for it: batchdrop serve --run NAME.`;
    throw new RefusedCallError(404, 'unknown_run', message);
  }

  async #other(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { run, target } = this.#options;
    if (request.method === 'GET' && url.pathname === '/healthz') return json(response, { status: 'ok', run: run.name });
    if (request.method === 'GET' && url.pathname === '/status') return json(response, run.state());
    const models = modelsPath(url.pathname);
    if (request.method === 'GET' && models !== null)
      return await passModels(target, `${models}${url.search}`, response);
    const at = url.pathname.indexOf('/v1/');
    const path = `${url.pathname.slice(at + '/v1'.length)}${url.search}`;
    if (at >= 0 && (await this.#options.others?.(request, response, path))) return;
    const message = `${request.method} ${url.pathname} cannot be gathered into batches, and would have been a live call at full price. Call the provider itself for it.`;
    throw new RefusedCallError(404, 'unknown_endpoint', message);
  }

  /** Asks whoever waits to come again, once this server runs again. */
  stop(): void {
    clearInterval(this.#keepAlive);
    for (const call of [...this.#waiting])
      call.sendAway('The server is stopping. What was sent goes on; call again once it runs.', 5);
  }
}

function failureOf(error: unknown): RefusedCallError {
  if (error instanceof RefusedCallError) return error;
  const message = safeText(messageOf(error));
  if (error instanceof Error && error.name === 'InvalidInputError')
    return new RefusedCallError(400, 'invalid_request', message);
  return new RefusedCallError(500, 'not_taken', `The call was not taken, and nothing of it was sent: ${message}`);
}

function refuse(response: ServerResponse, endpoint: LiveEndpoint | null, { failure }: RefusedCallError): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(failure.status, { ...jsonType, 'x-should-retry': 'false' });
  response.end(errorBody(endpoint, failure));
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, jsonType);
  response.end(JSON.stringify(value));
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

/** By events: with thousands of callers at a time, an iterator for each costs as much as all the rest of it. */
function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let pieces: Buffer[] = [];
    let bytes = 0;
    const end = () => {
      request.off('data', take).off('end', end).off('error', reject).off('close', leave);
      resolve(Buffer.concat(pieces));
      pieces = [];
    };
    const leave = () => reject(new Error('The caller has gone.'));
    const take = (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= maxLineBytes) return void pieces.push(piece);
      pieces = [];
      reject(new RefusedCallError(413, 'request_too_large', `A request has at most ${maxLineBytes} bytes.`));
    };
    request.on('data', take).once('end', end).once('error', reject).once('close', leave);
  });
}

/** What a live call costs at most, with a word before it; empty where nobody knows. */
function liveTextOf(target: LiveTarget, endpoint: LiveEndpoint, body: Buffer): string {
  const checked = target.connectionFor({ beta: null, billing: {} }).steps.check(lineOf('x', endpoint, body), endpoint);
  const price = 'code' in checked ? null : target.pricing?.atMost(checked.request, checked.model, checked.sentBytes);
  const usd = price?.singleUsd ?? null;
  return usd === null ? ' at full price' : ` at full price, which is at most ${dollarsText(usd)}`;
}

/** Lists of models are free, so they are asked for where the requests go. */
async function passModels(target: LiveTarget, path: string, response: ServerResponse): Promise<void> {
  const answer = await target.models(path);
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

/** One caller that waits at its connection. */
class WaitingCall {
  /** Without its body, which the journal has. */
  readonly #call: Pick<LiveCall, 'endpoint' | 'stream'>;
  readonly #response: ServerResponse;
  readonly #kind: CallerKind;
  readonly #onEnd: () => void;
  #ticket: Ticket | undefined;
  #hold: NodeJS.Timeout | undefined;
  #isAnswered = false;
  isOver = false;

  constructor({ endpoint, stream }: LiveCall, response: ServerResponse, kind: CallerKind, onEnd: () => void) {
    this.#call = { endpoint, stream };
    this.#response = response;
    this.#kind = kind;
    this.#onEnd = onEnd;
  }

  begin(ticket: Ticket, pace: string | null): void {
    this.#ticket = ticket;
    if (pace !== null) this.#response.setHeader('x-batchdrop-pace', pace);
    this.#response.once('close', () => this.#end(this.#response.writableFinished && this.#isAnswered));
    if (this.#response.destroyed) this.#end(false);
    else if (this.#call.stream !== null) this.#beginStream();
    else this.#hold = setTimeout(() => this.#askToComeAgain(), this.#kind.holdSeconds * 1000);
  }

  #end(isDelivered: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#hold);
    this.#onEnd();
    if (isDelivered) this.#ticket?.delivered();
    else this.#ticket?.left();
  }

  /** The status of a stream is said before its answer is known; what fails then is an event. */
  #beginStream(): void {
    this.#response.writeHead(200, eventType);
    this.#response.write(keepAliveEvent(this.#call.endpoint));
  }

  keepAlive(): void {
    if (this.#call.stream !== null) this.#response.write(keepAliveEvent(this.#call.endpoint));
    else if (this.#kind.interim === 102) this.#response.writeProcessing();
    else if (this.#kind.interim === 100) this.#response.writeContinue();
  }

  answered(answer: KeptAnswer): void {
    if (this.isOver) return;
    clearTimeout(this.#hold);
    this.#onEnd();
    this.#isAnswered = true;
    const { endpoint, stream } = this.#call;
    const { status, body } = answer;
    if (stream !== null) {
      this.#response.end(status >= 400 ? errorEvent(endpoint, body) : eventsOf(endpoint, body, stream).join(''));
      return;
    }
    this.#response.writeHead(status, { ...answerHeaders(answer), ...jsonType });
    this.#response.end(body);
  }

  /** The same caller waits at another connection now. */
  replaced(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#hold);
    this.#onEnd();
    this.#response.destroy();
  }

  #askToComeAgain(): void {
    const message =
      'The batch is not done yet. The request stays taken: the same call gets its answer, and nothing is sent twice.';
    this.sendAway(message, this.#kind.retryAfterSeconds);
  }

  sendAway(message: string, retryAfterSeconds: number): void {
    this.#giveUp({ status: 503, code: 'not_done_yet', message }, { 'retry-after': String(retryAfterSeconds) });
  }

  /** The run cannot go on, so that it makes no sense to call again before somebody has seen to it. */
  failed({ failure }: RefusedCallError): void {
    this.#giveUp(failure, { 'x-should-retry': 'false' });
  }

  #giveUp(failure: CallFailure, headers: Record<string, string>): void {
    if (this.isOver) return;
    const { endpoint, stream } = this.#call;
    const body = errorBody(endpoint, failure);
    this.#end(false);
    if (stream !== null) this.#response.end(errorEvent(endpoint, body));
    else {
      this.#response.writeHead(failure.status, { ...jsonType, ...headers });
      this.#response.end(body);
    }
  }
}

/** `/models` and what follows it, below whatever version and run. */
function modelsPath(pathname: string): string | null {
  const at = pathname.indexOf('/v1/models');
  const path = at < 0 ? '' : pathname.slice(at + '/v1'.length);
  return path === '/models' || path.startsWith('/models/') ? path : null;
}
