import { objectFrom } from '../lines/foreign-json.ts';
import { outcomeOf } from '../lines/result-outcome.ts';
import { isRetryableCode, isRetryableStatus } from '../lines/retryable.ts';
import type { Endpoint } from '../records/endpoints.ts';
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
  const outcome = outcomeOf(line);
  if (outcome.answered)
    return { customId, ...answer(outcome.body, outcome.format === 'anthropic' ? '/v1/messages' : endpoint) };
  const { message, code, statusCode, body } = outcome;
  return { customId, ...failure(message, { code, statusCode, body }) };
}

function answer(body: unknown, endpoint: Endpoint): Outcome<Answer> {
  if (isAnswer(endpoint, body)) return { succeeded: true, response: body, error: null };
  const message = `The provider answered, but not as ${endpoint} does.`;
  return failure(message, { code: 'invalid_result_line', statusCode: null, body });
}

/** Makes the outcome of a request that has no usable answer. */
export function failure(
  message: string,
  details: Pick<RequestError, 'code' | 'statusCode' | 'body'>,
): Extract<Outcome<never>, { succeeded: false }> {
  const { code, statusCode } = details;
  const isRetryable = statusCode === null ? isRetryableCode(code) : isRetryableStatus(statusCode);
  return { succeeded: false, response: null, error: new RequestError(message, { ...details, isRetryable }) };
}
