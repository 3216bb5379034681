import { objectFrom, objectOf, textOf } from '../lines/foreign-json.ts';
import { isRetryableCode, isRetryableStatus } from '../lines/retryable.ts';
import type { Endpoint } from '../records/endpoints.ts';
import { isObject, type JsonObject } from '../records/json.ts';
import { type Answer, isAnswer } from './answers.ts';
import { RequestError } from './errors.ts';

/** What became of one request: look at `succeeded` first. */
export type Outcome<Body> =
  | { succeeded: true; response: Body; error: null }
  | { succeeded: false; response: null; error: RequestError };

/** One result of a batch. */
export type BatchResult<Body = Answer> = Outcome<Body> & {
  /** The request's own id; null only for a damaged line whose id cannot be read. */
  customId: string | null;
};

/** A result that cannot be used says so itself, instead of breaking off the others. */
export function unusableResult(customId: string | null, message: string): BatchResult {
  return { customId, ...failure(message, { code: 'invalid_result_line', statusCode: null, body: null }) };
}

/**
 * Reads a result line: OpenAI's `{custom_id, response, error}`, or Anthropic's `{custom_id, result}`, in which a
 * deployment answers what came in that form.
 */
export function resultFrom(bytes: Buffer, endpoint: Endpoint): BatchResult {
  const line = objectFrom(bytes);
  if (!line) return unusableResult(null, 'The result line is not a JSON object in UTF-8.');
  const customId = typeof line.custom_id === 'string' ? line.custom_id : null;
  const native = objectOf(line.result);
  return { customId, ...(native ? nativeOutcome(native, line) : openAIOutcome(line, endpoint)) };
}

function openAIOutcome(line: JsonObject, endpoint: Endpoint): Outcome<Answer> {
  const response = objectOf(line.response);
  const error = objectOf(line.error);
  const status = typeof response?.status_code === 'number' ? response.status_code : null;
  const body = response?.body ?? null;
  if (status === null || status >= 400 || error !== null) return openAIFailure(status, body, error);
  return answer(body, endpoint);
}

function answer(body: unknown, endpoint: Endpoint): Outcome<Answer> {
  if (isAnswer(endpoint, body)) return { succeeded: true, response: body, error: null };
  const message = `The provider answered, but not as ${endpoint} does.`;
  return failure(message, { code: 'invalid_result_line', statusCode: null, body });
}

function openAIFailure(statusCode: number | null, body: unknown, error: JsonObject | null): Outcome<never> {
  const detail = isObject(body) ? objectOf(body.error) : null;
  const code = textOf(error?.code) ?? textOf(detail?.code) ?? textOf(detail?.type) ?? `http_${statusCode ?? 'none'}`;
  const message = textOf(error?.message) ?? textOf(detail?.message) ?? `The request failed: ${code}.`;
  return failure(message, { code, statusCode, body });
}

/** Source: https://platform.claude.com/docs/en/api/retrieving-message-batch-results */
function nativeOutcome(result: JsonObject, line: JsonObject): Outcome<Answer> {
  if (result.type === 'succeeded') return answer(result.message, '/v1/messages');
  const own = objectOf(line.error);
  const theirs = objectOf(objectOf(result.error)?.error);
  const code = textOf(own?.code) ?? nativeCodes.get(textOf(result.type)) ?? textOf(theirs?.type) ?? 'errored';
  const message = textOf(own?.message) ?? textOf(theirs?.message) ?? `The request failed: ${code}.`;
  return failure(message, { code, statusCode: null, body: result.error ?? null });
}

const nativeCodes = new Map<string | null, string>([
  ['expired', 'batch_expired'],
  ['canceled', 'batch_cancelled'],
]);

/** Makes the outcome of a request that has no usable answer. */
export function failure(
  message: string,
  details: Pick<RequestError, 'code' | 'statusCode' | 'body'>,
): Extract<Outcome<never>, { succeeded: false }> {
  const { code, statusCode } = details;
  const isRetryable = statusCode === null ? isRetryableCode(code) : isRetryableStatus(statusCode);
  return { succeeded: false, response: null, error: new RequestError(message, { ...details, isRetryable }) };
}
