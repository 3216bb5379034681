import { failedCall } from '../providers/shared/http/failed-call.ts';
import {
  BatchdropError,
  ConfigurationError,
  ConflictError,
  InvalidInputError,
  ProviderAuthenticationError,
  TransientError,
} from '../records/errors.ts';
import type { Batch } from './batch.ts';

/** No key was given, or it was refused. Nothing was created. */
export class AuthenticationError extends BatchdropError {
  override readonly name = 'AuthenticationError';
}

/** Too many requests, or too many of them waiting, at present. Nothing was created. */
export class RateLimitError extends BatchdropError {
  override readonly name = 'RateLimitError';
  /** Seconds after which the provider asks to come again; null where it does not say. */
  readonly retryAfterSeconds: number | null;

  constructor(message: string, retryAfterSeconds: number | null, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** This provider cannot do what was asked. */
export class NotSupportedError extends BatchdropError {
  override readonly name = 'NotSupportedError';
}

/** The provider or the network failed. Nothing was created; the same may be tried again. */
export class ConnectionError extends BatchdropError {
  override readonly name = 'ConnectionError';
}

/** The time given is over. */
export class TimeoutError extends BatchdropError {
  override readonly name = 'TimeoutError';
  /** Null where none had been created yet. */
  readonly batchId: string | null;

  constructor(message: string, batchId: string | null, options?: ErrorOptions) {
    super(message, options);
    this.batchId = batchId;
  }
}

/** The caller's AbortSignal was used; `cause` is its reason. */
export class AbortError extends BatchdropError {
  override readonly name = 'AbortError';
  /** Null where none had been created yet. */
  readonly batchId: string | null;

  constructor(message: string, batchId: string | null, options?: ErrorOptions) {
    super(message, options);
    this.batchId = batchId;
  }
}

/**
 * The answer to a creation was lost: the batch may run or not. Sending it again could be paid for twice, so that is
 * for you to decide; the message says how to find out.
 */
export class OutcomeUnknownError extends BatchdropError {
  override readonly name = 'OutcomeUnknownError';
  /** Ids of batches at the provider that may be it. */
  readonly candidates: readonly string[];

  constructor(message: string, candidates: readonly string[], options?: ErrorOptions) {
    super(message, options);
    this.candidates = candidates;
  }
}

/** The provider failed the batch as a whole; no request was answered. `batch.errors` says why. */
export class BatchFailedError extends BatchdropError {
  override readonly name = 'BatchFailedError';
  readonly batch: Batch;

  constructor(message: string, batch: Batch) {
    super(message);
    this.batch = batch;
  }
}

/** Why one request has no answer. It is given back in its result, not thrown. */
export class RequestError extends BatchdropError {
  override readonly name = 'RequestError';
  /** The provider's code, such as `rate_limit_exceeded`, or ours, such as `batch_expired`. */
  readonly code: string;
  /** The HTTP status with which it was answered; null where it was not. */
  readonly statusCode: number | null;
  /** Whether the same request may succeed another time. */
  readonly isRetryable: boolean;
  /** The provider's own account of it; null where there is none. */
  readonly body: unknown;

  constructor(message: string, details: Pick<RequestError, 'code' | 'statusCode' | 'isRetryable' | 'body'>) {
    super(message);
    this.code = details.code;
    this.statusCode = details.statusCode;
    this.isRetryable = details.isRetryable;
    this.body = details.body;
  }
}

/**
 * The error of this library for whatever a call threw.
 *
 * @param target who was called, and where the API key is to be put, for the message about a refused one.
 */
export function libraryError(error: unknown, target: { name: string; keyHint: string }): unknown {
  if (error instanceof BatchdropError || !(error instanceof Error)) return error;
  if (error instanceof ProviderAuthenticationError) return refusedKey(error, target);
  if (error instanceof ConfigurationError) return new NotSupportedError(error.message, { cause: error });
  if (error instanceof TransientError) return failedAnswer(error);
  return error;
}

function refusedKey(error: Error, { name, keyHint }: { name: string; keyHint: string }): AuthenticationError {
  const detail = error.cause instanceof Error ? `: ${error.cause.message.replace(/\.$/, '')}` : '';
  return new AuthenticationError(`The API key was refused by ${name}${detail}. ${keyHint}`, { cause: error });
}

/** What the provider answered stands in the cause. */
function failedAnswer(error: TransientError): BatchdropError {
  const failed = failedCall(error.cause);
  const options = { cause: error };
  if (failed.kind !== 'answered') return new ConnectionError(error.message, options);
  switch (failed.status) {
    case 400:
    case 413:
    case 422:
      return new InvalidInputError(failed.code, error.message, options);
    case 409:
      return new ConflictError(error.message, options);
    case 429:
      return new RateLimitError(error.message, failed.retryAfterSeconds, options);
    default:
      return new ConnectionError(error.message, options);
  }
}
