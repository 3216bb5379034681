import { type JsonReply, RefusedCall } from '../http-server.ts';

const nameByStatus: Record<number, string> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  409: 'ConflictException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};

/** An error as AWS's REST services write it: its name in a header, its message in the body. */
export function errorReply(status: number, name: string, message: string): JsonReply {
  return { kind: 'json', status, headers: { 'x-amzn-errortype': name }, body: { message } };
}

/** The same, with the name that AWS has for the status. */
export function refusalReply(status: number, message: string): JsonReply {
  return errorReply(status, nameByStatus[status] ?? `Http${status}Exception`, message);
}

export function errorOfStatus(status: number): JsonReply {
  return refusalReply(status, 'The request was refused.');
}

export function refused(status: number, message: string): RefusedCall {
  return new RefusedCall(refusalReply(status, message));
}
