import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { callerOf } from '../permissions.ts';
import { assertOwnOrigin, authorize, isPresigned } from './authorization.ts';
import { S3Error } from './errors.ts';
import { identifyOperation } from './operation.ts';
import { parseRequestAddress } from './request-address.ts';
import type { S3Answer, S3Request } from './s3-request.ts';
import { errorDocument } from './xml.ts';

/** Headers that a presigned URL carries in its query; names are tokens of HTTP. */
const signedHeaderPattern = /^x-amz-[!#$%&'*+.^_`|~0-9a-z-]+$/i;

export function newRequestId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}

/** @throws S3Error AccessDenied, InvalidURI, KeyTooLongError, NotImplemented */
export function understandRequest(incoming: IncomingMessage, requestId: string): S3Request {
  const address = parseRequestAddress(incoming.url ?? '/', incoming.headers.host ?? '');
  assertOwnOrigin(incoming.method ?? '', incoming.headers.origin, incoming.headers.host ?? '');
  authorize(incoming.headers.authorization, address.query, Date.now());
  const headers = collectHeaders(incoming, address.query);
  const operation = identifyOperation({
    ...address,
    method: incoming.method ?? '',
    isCopy: headers.has('x-amz-copy-source'),
  });
  // A body that is not read to its end must not take the connection with it, or the answer would be lost.
  const body = { [Symbol.asyncIterator]: () => incoming.iterator({ destroyOnReturn: false }) };
  const caller = callerOf(incoming.headers.authorization, address.query);
  return { ...address, requestId, caller, operation, headers, body, mayRemove: () => true };
}

/** Sends an answer; resolves when the client has it or is gone. */
export async function sendAnswer(outgoing: ServerResponse, answer: S3Answer, requestId: string): Promise<void> {
  const { status, headers, body } = answer;
  try {
    outgoing.statusCode = status;
    outgoing.setHeaders(new Map(Object.entries({ ...headers, 'x-amz-request-id': requestId })));
    if (typeof body === 'object') {
      await pipeline(body.chunks, outgoing);
    } else {
      outgoing.end(body);
    }
  } finally {
    if (typeof body === 'object') {
      body.release();
    }
  }
}

/** Answers a failure, unless an answer is on its way already; then only breaking it off tells the client. */
export async function sendError(
  outgoing: ServerResponse,
  incoming: IncomingMessage,
  requestId: string,
  failure: unknown,
): Promise<void> {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  // Node throws away the rest of a body only if none of it was read; a client in the midst of sending would hang.
  incoming.resume();
  const error = toS3Error(failure);
  const path = incoming.url?.split('?', 1)[0] ?? '/';
  const body = incoming.method === 'HEAD' ? '' : errorDocument(error, path, requestId);
  const headers = { 'content-type': 'application/xml', ...error.headers };
  await sendAnswer(outgoing, { status: error.status, headers, body }, requestId);
}

function collectHeaders(incoming: IncomingMessage, query: URLSearchParams): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of isPresigned(query) ? query : []) {
    if (signedHeaderPattern.test(name)) {
      headers.set(name.toLowerCase(), value);
    }
  }
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) {
      headers.set(name, Array.isArray(value) ? value.join(', ') : value);
    }
  }
  return headers;
}

function toS3Error(failure: unknown): S3Error {
  if (failure instanceof S3Error) {
    return failure;
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new S3Error('InternalError', `We encountered an internal error. Please try again. ${reason}`, {
    cause: failure,
  });
}
