import { type JsonReply, RefusedCall } from '../http-server.ts';

const messageByStatus: Record<number, string> = {
  401: 'No auth credentials found',
  402: 'Insufficient credits. Add more using https://openrouter.ai/settings/credits',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  429: 'Rate limit exceeded',
};

/** The code of an error is its HTTP status. Source: https://openrouter.ai/docs/api-reference/errors, read 2026-11. */
export function errorReply(status: number, message?: string): JsonReply {
  const text = message ?? messageByStatus[status] ?? `The request failed with status ${status}.`;
  return { kind: 'json', status, body: { error: { code: status, message: text } } };
}

export function refused(status: number, message?: string): RefusedCall {
  return new RefusedCall(errorReply(status, message));
}
