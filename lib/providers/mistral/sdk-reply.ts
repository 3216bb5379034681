import { MistralError, ResponseValidationError } from '@mistralai/mistralai/models/errors';
import type { Result } from '@mistralai/mistralai/types/fp.js';
import { saidInBody } from '../shared/said-error.ts';

/** An answer of 400 and above, as `failedCall` reads it. */
class AnsweredError extends Error {
  override readonly name = 'AnsweredError';
  readonly status: number;
  readonly headers: Headers;
  readonly error: { code: string | null; type: string | null };

  constructor(status: number, headers: Headers, body: string) {
    const { message, code, type } = saidInBody(body);
    super(message ?? `HTTP status ${status}`);
    this.status = status;
    this.headers = headers;
    this.error = { code, type };
  }
}

export function answeredError(status: number, headers: Headers, body: string): Error {
  return new AnsweredError(status, headers, body);
}

/** What was answered, also where it is not quite of the form that the SDK knows. */
export async function replyOf(call: PromiseLike<Result<unknown, unknown>>): Promise<unknown> {
  const result = await call;
  if (!result.ok && result.error instanceof ResponseValidationError) return result.error.rawValue;
  return unwrapped(result);
}

/** @throws the error, readable for `failedCall`. */
export function unwrapped<Value>(result: Result<Value, unknown>): Value {
  if (result.ok) return result.value;
  const { error } = result;
  if (error instanceof MistralError && error.statusCode >= 400)
    throw answeredError(error.statusCode, error.headers, error.body);
  throw error;
}
