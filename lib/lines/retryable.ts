/** Errors that we write into result lines (docs/options.md), and whether their request may be sent again. */
const ownErrors = {
  /** Never executed: time ran out. */
  batch_expired: true,
  /** Never executed, because its owner did not want it any more. */
  batch_cancelled: false,
  /** The provider batch is over and has no answer to it, which may have been paid for. */
  result_missing: false,
  /** The provider batch is over and its answer, which was paid for, cannot be read. */
  invalid_result_line: false,
  /** It was executed and paid for; only its answer is gone. */
  results_unavailable: false,
  /** It may have been accepted: sending it again could mean paying twice. */
  submission_unconfirmed: false,
  /** Never sent: it would have passed `max_cost_usd`. */
  budget_exceeded: false,
  /** Never sent: no request could be made of its row. */
  invalid_row: false,
  /** The provider failed the whole provider batch without saying why. */
  provider_batch_failed: false,
} as const;

/** Errors of calls and of providers that come without an HTTP status. */
const callErrors = {
  /** No connection to the endpoint, or none that lasted. */
  connection_failed: true,
  request_timeout: true,
  /** A live endpoint answered several times with what is no answer. */
  invalid_answer: false,
  // OpenAI's, in a line without a response.
  server_error: true,
  rate_limit_exceeded: true,
  // An account that could not pay: nothing was executed.
  insufficient_quota: true,
  billing_hard_limit_reached: true,
  billing_error: true,
  // Anthropic's. Source: https://platform.claude.com/docs/en/api/errors
  rate_limit_error: true,
  api_error: true,
  timeout_error: true,
  overloaded_error: true,
} as const;

const errors = new Map<string, boolean>(Object.entries({ ...callErrors, ...ownErrors }));
const failures = new Map<string, boolean>(Object.entries(ownErrors));

const retryableStatuses: ReadonlySet<number> = new Set([402, 408, 409, 429]);

/** Every code that the table knows, in no order. */
export const knownErrorCodes: readonly string[] = [...errors.keys()];

/**
 * Statuses that say "try again": too many requests, an account that could not pay, and trouble at the provider. Source:
 * OpenAI's and Anthropic's pages.
 * What is no HTTP status, as the 0 of requests that never got an answer (tidyverse/ellmer#830), is none of the request's own.
 */
export function isRetryableStatus(statusCode: number): boolean {
  return statusCode < 100 || statusCode >= 500 || retryableStatuses.has(statusCode);
}

/** Tells whether a request may be sent again that failed with this code and without a status. An unknown code is a refusal. */
export function isRetryableCode(code: string): boolean {
  return errors.get(code) ?? false;
}

/**
 * Tells whether a request without an answer may be sent again. Only our own codes count here: the code with which a
 * provider failed or refused its whole batch says nothing about a single request.
 */
export function isRetryableFailure(code: string): boolean {
  return failures.get(code) ?? false;
}
