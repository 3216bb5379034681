// Source: https://platform.claude.com/docs/en/api/errors
const errorTypeByStatus = new Map<unknown, string>([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [409, 'conflict_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

/** What Anthropic calls the errors of an HTTP status. */
export function errorTypeOf(status: unknown): string {
  const isRefusal = typeof status === 'number' && status >= 400 && status < 500;
  return errorTypeByStatus.get(status) ?? (isRefusal ? 'invalid_request_error' : 'api_error');
}

interface Failure {
  status: unknown;
  message: string;
  requestId: string | null;
}

/** Why a request for a Message failed, in the form of Anthropic's API. */
export function errorOfMessage({ status, message, requestId }: Failure): object {
  return { type: 'error', error: { type: errorTypeOf(status), message }, request_id: requestId };
}
