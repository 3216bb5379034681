import { z } from 'zod';
import {
  ConfigurationError,
  NotFoundError,
  ProviderAuthenticationError,
  safeText,
  TransientError,
} from '../../../records/errors.ts';
import { describeIssues } from '../../../records/options.ts';

/** What a failed call to a provider shows about what happened there. */
export type FailedCall =
  /** The provider answered, with an HTTP status of 400 or more. */
  | { kind: 'answered'; status: number; code: string; message: string; retryAfterSeconds: number | null }
  /** No connection was made, so nothing was sent. */
  | { kind: 'not_connected'; message: string }
  /** A timeout, an abort, a cut: the provider may have done what was asked. */
  | { kind: 'unclear'; message: string };

// OpenAI's and Anthropic's SDKs are made by the same generator, so their errors have the same members. What other clients
// throw has them too: google/api.ts, mistral/sdk-reply.ts, bedrock/service-answer.ts.
const answeredErrorSchema = z.object({
  status: z.number().int(),
  message: z.string(),
  headers: z.instanceof(Headers).optional().catch(undefined),
  error: z.unknown(),
});

const errorDetailSchema = z.object({
  /** Some servers write the HTTP status as a number. */
  code: z.string().or(z.number().transform(String)).nullish(),
  type: z.string().nullish(),
  message: z.string().nullish().catch(null),
});
/** OpenAI's SDK unwraps the `error` of the body, Anthropic's does not. */
const errorBodySchema = z
  .object({ error: errorDetailSchema })
  .transform((body) => body.error)
  .or(errorDetailSchema);

/** Reads what a call threw. Its message is cut to size and free of keys. */
export function failedCall(error: unknown): FailedCall {
  const answered = answeredErrorSchema.safeParse(error);
  if (answered.success) return answeredCall(answered.data);
  const message = describeCauses(error);
  return wasNeverSent(error) ? { kind: 'not_connected', message } : { kind: 'unclear', message };
}

function answeredCall(error: z.infer<typeof answeredErrorSchema>): FailedCall {
  const body = errorBodySchema.safeParse(error.error);
  const said = body.data?.message;
  return {
    kind: 'answered',
    status: error.status,
    code: body.data?.code || body.data?.type || `http_${error.status}`,
    message: safeText(isRawBody.test(error.message) && said ? `${error.status} ${said}` : error.message),
    retryAfterSeconds: retryAfterSeconds(error.headers?.get('retry-after') ?? null),
  };
}

/** Anthropic's SDK puts the body behind the status, not the message in it. */
const isRawBody = /^\d{3} \{/;

/** Seconds, or a date. Source: RFC 9110, 10.2.3. */
function retryAfterSeconds(header: string | null): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const waitSeconds = Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 : seconds;
  return Number.isFinite(waitSeconds) ? Math.max(0, Math.ceil(waitSeconds)) : null;
}

/** An error and what caused it, outermost first: fetch hides the reason in `cause`. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let current = error; current instanceof Error && chain.length < 10; current = current.cause) chain.push(current);
  return chain;
}

function describeCauses(error: unknown): string {
  const messages = chainOf(error).flatMap((cause) => {
    const message = cause instanceof z.ZodError ? describeIssues(cause) : cause.message || codeOf(cause);
    return message ? [message] : [];
  });
  return safeText([...new Set(messages)].join(': ') || 'The connection failed.');
}

function wasNeverSent(error: unknown): boolean {
  const root = chainOf(error).at(-1);
  if (root instanceof AggregateError) return root.errors.length > 0 && root.errors.every(failedBeforeSending);
  return failedBeforeSending(root);
}

// Node names the system call: these two come before any byte of a request.
const connectingCalls = new Set(['connect', 'getaddrinfo']);

// A certificate that was refused, or no connection in time. Source: https://nodejs.org/api/tls.html#x509-certificate-error-codes
const connectingCodes = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function failedBeforeSending(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('syscall' in error && typeof error.syscall === 'string' && connectingCalls.has(error.syscall)) return true;
  return connectingCodes.has(codeOf(error));
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Whether the key is not known; of a request alone a 403 may say as well that it, or its content, is not allowed. */
export function isUnknownKey(error: unknown): boolean {
  const failed = failedCall(error);
  return failed.kind === 'answered' && failed.status === 401;
}

/** Whether the key was refused. */
export function isKeyRefusal(error: unknown): boolean {
  const failed = failedCall(error);
  return failed.kind === 'answered' && (failed.status === 401 || failed.status === 403);
}

/** Whether it was thrown by us, before or instead of a call, and says enough. */
export function isOwnError(error: unknown): error is Error {
  return ownErrors.some((ownError) => error instanceof ownError);
}

const ownErrors = [ProviderAuthenticationError, TransientError, NotFoundError, ConfigurationError];

/** The error of ours that a failed look or transfer leaves a client as; ours pass as they are. */
export function callError(what: string, error: unknown): Error {
  if (isOwnError(error)) return error;
  const failed = failedCall(error);
  const message = `${what}: ${failed.message}`;
  const isMissing = failed.kind === 'answered' && (failed.status === 404 || failed.status === 410);
  return isMissing ? new NotFoundError(message, { cause: error }) : new TransientError(message, { cause: error });
}

/** Whether a cancellation was refused because there is nothing left to cancel. */
export function hasEndedAlready(error: unknown): boolean {
  const failed = failedCall(error);
  return failed.kind === 'answered' && (failed.status === 400 || failed.status === 409);
}
