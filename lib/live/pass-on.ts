import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LiveTarget } from './target.ts';

/** What belongs to one connection or to the caller's key, and an origin that was compared here. */
const notSent: ReadonlySet<string> = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'origin',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
]);

/** The same of an answer, and what fetch has undone. */
const notReturned: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'set-cookie',
  'transfer-encoding',
]);

interface PassedCall {
  /** Below `/v1`, with its query. */
  path: string;
  /** In place of the request's own, which was read already. */
  body?: Buffer;
}

/** Passes a call on as `forward` does, and its answer back as it comes. */
export async function passOn(
  target: LiveTarget,
  request: IncomingMessage,
  response: ServerResponse,
  call: PassedCall,
): Promise<void> {
  await giveBack(await forward(target, request, response, call), response);
}

/**
 * Passes a call on as it is, with the target's key in place of the caller's, for as long as the caller waits.
 *
 * @throws RefusedCallError where nobody answers.
 */
export async function forward(
  target: LiveTarget,
  request: IncomingMessage,
  response: ServerResponse,
  { path, body }: PassedCall,
): Promise<Response> {
  const left = new AbortController();
  response.once('close', () => left.abort(new Error('The caller has gone.')));
  const { method = 'GET' } = request;
  return await target.send(path, {
    method,
    headers: headersOf(request),
    signal: left.signal,
    ...bodyFor(method, request, body),
  });
}

/** Answers with what a target answered. */
export async function giveBack(answer: Response, response: ServerResponse): Promise<void> {
  const headers = [...answer.headers].filter(([name]) => !notReturned.has(name));
  response.writeHead(answer.status, Object.fromEntries(headers));
  await pipeline(answer.body ?? Readable.from([]), response);
}

function headersOf({ headersDistinct }: IncomingMessage): [string, string][] {
  return Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    notSent.has(name) ? [] : [[name, values.join(', ')] as [string, string]],
  );
}

function bodyFor(
  method: string,
  request: IncomingMessage,
  body: Buffer | undefined,
): RequestInit & { duplex?: 'half' } {
  if (body) return { body: new Uint8Array(body) };
  if (method === 'GET' || method === 'HEAD') return {};
  // A body that is streamed cannot be sent a second time, wherever somebody redirects it.
  return { body: ReadableStream.from(request), duplex: 'half', redirect: 'error' };
}
