import type { JsonReply } from '../http-server.ts';

/** What Anthropic says about a request that it refuses. */
export interface AnthropicError {
  type: string;
  message: string;
}

export function invalidRequest(message: string): AnthropicError {
  return { type: 'invalid_request_error', message };
}

/** The id must be that of the `request-id` header, which is set when the call comes in. */
export function errorReply(status: number, error: AnthropicError): JsonReply {
  return { kind: 'json', status, body: { type: 'error', error } };
}

const errorByStatus: Record<number, AnthropicError> = {
  401: { type: 'authentication_error', message: 'invalid x-api-key' },
  402: { type: 'billing_error', message: 'Your credit balance is too low to access the Anthropic API.' },
  403: { type: 'permission_error', message: 'Your API key does not have permission to use the specified resource.' },
  404: { type: 'not_found_error', message: 'Not found' },
  413: { type: 'request_too_large', message: 'Request exceeds the maximum size' },
  429: { type: 'rate_limit_error', message: 'Number of requests has exceeded your rate limit.' },
  504: { type: 'timeout_error', message: 'Request timed out' },
  529: { type: 'overloaded_error', message: 'Overloaded' },
};

/** The error that Anthropic answers with this status where nothing more particular is known. */
export function errorOfStatus(status: number): AnthropicError {
  const known = errorByStatus[status];
  if (known !== undefined) return known;
  return status >= 500
    ? { type: 'api_error', message: 'Internal server error' }
    : invalidRequest('The request was refused.');
}
