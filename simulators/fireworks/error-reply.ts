import { type JsonReply, RefusedCall } from '../http-server.ts';

/** gRPC's codes, as the gateway of the management API writes them, and the HTTP status that comes with each. */
const rpcCodes = {
  INVALID_ARGUMENT: { code: 3, status: 400 },
  NOT_FOUND: { code: 5, status: 404 },
  ALREADY_EXISTS: { code: 6, status: 409 },
  PERMISSION_DENIED: { code: 7, status: 403 },
  RESOURCE_EXHAUSTED: { code: 8, status: 429 },
  FAILED_PRECONDITION: { code: 9, status: 400 },
  INTERNAL: { code: 13, status: 500 },
  UNAVAILABLE: { code: 14, status: 503 },
  UNAUTHENTICATED: { code: 16, status: 401 },
} as const;
type RpcCode = keyof typeof rpcCodes;

const codeByStatus: Record<number, number> = Object.fromEntries(
  Object.values(rpcCodes).map(({ status, code }) => [status, code]),
);

/** A refusal of the management API. */
export function refused(code: RpcCode, message: string): RefusedCall {
  return new RefusedCall(rpcReply(rpcCodes[code].status, message, rpcCodes[code].code));
}

/** The management API's answer to a call that failed with this status. */
export function errorReply(status: number): JsonReply {
  const message = status === 404 ? 'resource not found' : `the request failed with status ${status}`;
  return rpcReply(status, message, codeByStatus[status] ?? (status >= 500 ? 13 : 3));
}

function rpcReply(status: number, message: string, code: number): JsonReply {
  return { kind: 'json', status, body: { code, message, details: [] } };
}

/** A refusal as inference calls write it, and all calls with a wrong key. */
export function inferenceError(status: number, message: string, code: string): JsonReply {
  return { kind: 'json', status, body: { error: { message, param: null, code, type: 'error' } } };
}

const inferenceCodes: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHORIZED',
  403: 'UNAUTHORIZED',
  404: 'NOT_FOUND',
  413: 'REQUEST_TOO_LARGE',
  429: 'RATE_LIMIT_EXCEEDED',
  503: 'UNAVAILABLE',
};

export function inferenceCode(status: number): string {
  return inferenceCodes[status] ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT');
}

export function inferenceErrorReply(status: number): JsonReply {
  return inferenceError(status, `the request failed with status ${status}`, inferenceCode(status));
}
