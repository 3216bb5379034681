import type { JsonReply } from '../http-server.ts';

/** An error of one line: `google.rpc.Status`, whose code is a number of its own. */
export interface RpcError {
  code: number;
  message: string;
}

interface RpcCode {
  name: string;
  code: number;
}

const codeByStatus: Record<number, RpcCode> = {
  400: { name: 'INVALID_ARGUMENT', code: 3 },
  401: { name: 'UNAUTHENTICATED', code: 16 },
  403: { name: 'PERMISSION_DENIED', code: 7 },
  404: { name: 'NOT_FOUND', code: 5 },
  409: { name: 'ABORTED', code: 10 },
  429: { name: 'RESOURCE_EXHAUSTED', code: 8 },
  500: { name: 'INTERNAL', code: 13 },
  503: { name: 'UNAVAILABLE', code: 14 },
  504: { name: 'DEADLINE_EXCEEDED', code: 4 },
};

const unknownCode: RpcCode = { name: 'UNKNOWN', code: 2 };

const messageByStatus: Record<number, string> = {
  404: 'Requested entity was not found.',
  429: 'Resource has been exhausted (e.g. check quota).',
  500: 'An internal error has occurred. Please retry or report the problem.',
  503: 'The model is overloaded. Please try again later.',
};

/** The error of a whole call: its code is the HTTP status. */
export function errorReply(status: number, message = messageOf(status), details?: object[]): JsonReply {
  const error = { code: status, message, status: rpcCodeOf(status).name, ...(details && { details }) };
  return { kind: 'json', status, body: { error } };
}

/** @param status as HTTP has it. */
export function rpcError(status: number, message = messageOf(status)): RpcError {
  return { code: rpcCodeOf(status).code, message };
}

function rpcCodeOf(status: number): RpcCode {
  return codeByStatus[status] ?? unknownCode;
}

function messageOf(status: number): string {
  return messageByStatus[status] ?? 'The request was refused.';
}

/** The HTTP status behind a line's error. */
export function statusOf({ code }: RpcError): number {
  const known = Object.entries(codeByStatus).find(([, each]) => each.code === code);
  return known ? Number(known[0]) : 500;
}
