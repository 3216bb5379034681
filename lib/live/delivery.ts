import { eventsOf } from './event-stream.ts';
import type { KeptAnswer } from './journal.ts';
import type { LiveCall } from './live-call.ts';

/** Headers of an answer, as its provider gives them. What failed is not to be repeated by a client: that is done here. */
export function answerHeaders({ status, requestId }: KeptAnswer): Record<string, string> {
  return {
    ...(requestId !== null && { 'x-request-id': requestId, 'request-id': requestId }),
    ...(status >= 400 && { 'x-should-retry': 'false' }),
  };
}

export const jsonType = { 'content-type': 'application/json' };
export const eventType = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/** The answer to a call of this process. A stream comes at once and whole. */
export function responseOf({ endpoint, stream }: Pick<LiveCall, 'endpoint' | 'stream'>, answer: KeptAnswer): Response {
  const { status, body } = answer;
  const headers = answerHeaders(answer);
  if (stream === null || status >= 400)
    return new Response(new Uint8Array(body), { status, headers: { ...headers, ...jsonType } });
  const events = eventsOf(endpoint, body, stream).join('');
  return new Response(events, { status, headers: { ...headers, ...eventType } });
}
