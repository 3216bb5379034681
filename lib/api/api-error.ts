import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import {
  ConfigurationError,
  ConflictError,
  InvalidInputError,
  NotFoundError,
  TransientError,
  WriteConflictError,
} from '../records/errors.ts';

export const errorResponseSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .meta({ id: 'ErrorResponse' });

export type ErrorResponse = z.infer<typeof errorResponseSchema>;

interface ErrorDetails {
  type?: string;
  param?: string | null;
  code?: string | null;
  headers?: Record<string, string>;
}

/** What a client is told: one HTTP status and OpenAI's error body. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ContentfulStatusCode;
  readonly body: ErrorResponse;
  readonly headers: Record<string, string>;

  constructor(status: ContentfulStatusCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    const { type = 'invalid_request_error', param = null, code = null } = details;
    this.status = status;
    this.body = { error: { message, type, param, code } };
    this.headers = details.headers ?? {};
  }
}

/** Where a repetition is worth a try: the official clients make it by themselves. */
const retrySoon = { 'retry-after': '1' };

/** What the client is told of an error. What is not the client's business becomes a 500 that says nothing. */
export function asApiError(error: unknown): ApiError {
  const options = { cause: error };
  if (error instanceof ApiError) return error;
  if (error instanceof InvalidInputError) {
    const status = error.code === 'idempotency_conflict' ? 409 : 400;
    return new ApiError(status, error.message, { param: error.param, code: error.code }, options);
  }
  if (error instanceof NotFoundError) return new ApiError(404, error.message, {}, options);
  if (error instanceof ConflictError) return new ApiError(409, error.message, {}, options);
  if (error instanceof WriteConflictError || error instanceof TransientError) {
    const details = { type: 'server_error', code: 'try_again', headers: retrySoon };
    return new ApiError(503, 'The service is busy. Try again in a moment.', details, options);
  }
  if (error instanceof ConfigurationError)
    return new ApiError(500, 'The deployment is not configured completely.', { type: 'server_error' }, options);
  return new ApiError(500, 'The server had an error while processing your request.', { type: 'server_error' }, options);
}
