import { objectFrom, objectOf, textOf } from '../lines/foreign-json.ts';
import { membersOf } from '../lines/json-spans.ts';
import { errorOfMessage } from '../lines/message-error.ts';
import { isRetryableCode, isRetryableStatus } from '../lines/retryable.ts';
import type { Endpoint } from '../records/endpoints.ts';
import type { JsonObject } from '../records/json.ts';
import type { KeptAnswer } from './journal.ts';

/** Why a call has no answer of a provider. */
export interface CallFailure {
  status: number;
  code: string;
  message: string;
  param?: string | null;
}

/** A call that cannot be taken; it is answered at once, and nothing of it is kept. */
export class RefusedCallError extends Error {
  override readonly name = 'RefusedCallError';
  readonly failure: CallFailure;
  /** Whether the provider takes the call, but in no batch. */
  readonly isLiveOnly: boolean;

  constructor(
    status: number,
    code: string,
    message: string,
    param: string | null = null,
    { isLiveOnly = false }: { isLiveOnly?: boolean } = {},
  ) {
    super(message);
    this.failure = { status, code, message, param };
    this.isLiveOnly = isLiveOnly;
  }
}

/** Statuses of our own codes. 499 is nginx's word for a request that its client gave up. */
const statusOfCode: Readonly<Record<string, number>> = {
  batch_expired: 504,
  batch_overdue: 504,
  batch_cancelled: 499,
  submission_unconfirmed: 502,
  invalid_result_line: 502,
  result_missing: 502,
  results_unavailable: 502,
  invalid_answer: 502,
  connection_failed: 502,
  request_timeout: 504,
  timeout_error: 504,
  budget_exceeded: 429,
  cost_limit_exceeded: 429,
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  insufficient_quota: 429,
  billing_hard_limit_reached: 429,
  billing_error: 402,
  server_error: 500,
  api_error: 500,
  overloaded_error: 529,
  model_not_found: 404,
  unknown_endpoint: 404,
  invalid_api_key: 401,
};

/** What official clients make an error of their own class of. */
export function statusOf(code: string): number {
  return Object.hasOwn(statusOfCode, code) ? (statusOfCode[code] ?? 400) : 400;
}

/** Codes that clients know under another name. */
const shownCodes: Readonly<Record<string, string>> = {
  budget_exceeded: 'insufficient_quota',
  cost_limit_exceeded: 'insufficient_quota',
};

/** An error in the form of its endpoint, as the official clients of it read it. */
export function errorBody(endpoint: Endpoint | null, failure: CallFailure): Buffer {
  const { status, message, param = null } = failure;
  const code = shownCodes[failure.code] ?? failure.code;
  if (endpoint === '/v1/messages') {
    const told = message.includes(code) ? message : `${message} (${code})`;
    return Buffer.from(JSON.stringify(errorOfMessage({ status, message: told, requestId: null })));
  }
  const type = status >= 500 ? 'server_error' : code === 'insufficient_quota' ? code : 'invalid_request_error';
  return Buffer.from(JSON.stringify({ error: { message, type, param, code } }));
}

/** An answer that says why there is none. */
export function failureAnswer(endpoint: Endpoint | null, failure: CallFailure): KeptAnswer {
  const { status, code } = failure;
  return { status, requestId: null, code, body: errorBody(endpoint, failure) };
}

/** What a result line says of one request. */
export interface LineAnswer {
  answer: KeptAnswer;
  /** Whether it failed for a reason that may pass. */
  isRetryable: boolean;
}

/**
 * Reads a result line in OpenAI's form. A provider's answer keeps its bytes, its status and its request id.
 *
 * @returns null for what is no result line.
 */
export function answerFromLine(line: Buffer, endpoint: Endpoint): LineAnswer | null {
  const parsed = objectFrom(line);
  if (!parsed) return null;
  const response = objectOf(parsed.response);
  const error = objectOf(parsed.error);
  const status = response?.status_code;
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) {
    const hasFailed = status >= 400 || error !== null;
    if (!hasFailed) return { answer: answered(line, status, response), isRetryable: false };
    return failedLine(line, status >= 400 ? status : 502, response, error, endpoint);
  }
  const code = textOf(error?.code) ?? 'invalid_result_line';
  const message = textOf(error?.message) ?? `The request failed: ${code}.`;
  const failure = { status: statusOf(code), code, message, param: textOf(error?.param) };
  return { answer: failureAnswer(endpoint, failure), isRetryable: isRetryableCode(code) };
}

function answered(line: Buffer, status: number, response: JsonObject | null): KeptAnswer {
  return { status, requestId: textOf(response?.request_id), code: null, body: bodyWithin(line) };
}

/** A provider's refusal goes as it came, unless its endpoint's clients would not read it. */
function failedLine(
  line: Buffer,
  status: number,
  response: JsonObject | null,
  error: JsonObject | null,
  endpoint: Endpoint,
): LineAnswer {
  const isRetryable = isRetryableStatus(status);
  const body = objectOf(response?.body);
  const isInForm = endpoint === '/v1/messages' ? body?.type === 'error' : objectOf(body?.error) !== null;
  const kept = { ...answered(line, status, response), status };
  if (isInForm) return { answer: kept, isRetryable };
  const detail = objectOf(body?.error) ?? error;
  const code = textOf(detail?.code) ?? textOf(error?.code) ?? textOf(detail?.type) ?? `http_${status}`;
  const message = textOf(detail?.message) ?? textOf(error?.message) ?? `The provider answered with status ${status}.`;
  return { answer: { ...kept, body: errorBody(endpoint, { status, code, message }) }, isRetryable };
}

/** The bytes of `response.body` as they stand in the line. */
function bodyWithin(line: Buffer): Buffer {
  const response = membersOf(line).find(({ key }) => key === 'response');
  const body = response && membersOf(line, response.start).findLast(({ key }) => key === 'body');
  return body ? Buffer.from(line.subarray(body.start, body.end)) : Buffer.from('null');
}
