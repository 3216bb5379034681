import type { JsonReply } from '../http-server.ts';

/** What OpenAI says about a request that it refuses. */
export interface ErrorBody {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

export function invalidRequest(message: string, param: string | null = null, code: string | null = null): ErrorBody {
  return { message, type: 'invalid_request_error', param, code };
}

export function errorReply(status: number, error: ErrorBody): JsonReply {
  return { kind: 'json', status, body: { error } };
}

/** The error that OpenAI answers with this status where nothing more particular is known. */
export function errorOfStatus(status: number): ErrorBody {
  const known: Record<number, ErrorBody> = {
    401: invalidRequest('Incorrect API key provided.', null, 'invalid_api_key'),
    403: { message: 'You are not allowed to do this.', type: 'permission_error', param: null, code: null },
    404: invalidRequest('Not found.'),
    409: invalidRequest('The resource is in conflict with this request.'),
    413: invalidRequest('413: The data value transmitted exceeds the capacity limit.'),
    429: {
      message: 'Rate limit reached for requests. Please try again later.',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    },
    503: { message: 'The engine is currently overloaded, please try again later', ...serverError },
  };
  return known[status] ?? (status >= 500 ? internalError : invalidRequest('The request was refused.'));
}

const serverError = { type: 'server_error', param: null, code: null };

export const internalError: ErrorBody = {
  message: 'The server had an error while processing your request. Sorry about that!',
  ...serverError,
};
