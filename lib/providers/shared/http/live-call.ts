import { isAbsent, objectFrom } from '../../../lines/foreign-json.ts';
import { membersOf } from '../../../lines/json-spans.ts';
import { isRetryableStatus } from '../../../lines/retryable.ts';
import { safeText } from '../../../records/errors.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { LiveAnswer } from '../../contract.ts';
import { isOutOfCredit } from './credit.ts';
import { type FailedCall, failedCall, isOwnError } from './failed-call.ts';

/** How a provider writes result lines. */
export interface LiveForm {
  /** @param body a JSON object without line breaks, with the provider's own bytes. */
  answered(lineId: string, status: number, requestId: string | null, body: Buffer): Buffer;
  refused(lineId: string, failed: Refusal): Buffer;
  /** For a call that nobody answered. */
  failed(lineId: string, failure: CallFailure): Buffer;
  /** Tokens of an answer; null where it does not say. */
  tokensOf(body: JsonObject): number | null;
}

export type Refusal = Extract<FailedCall, { kind: 'answered' }>;

/** Why there is no answer. The codes are the ones that our errors name. */
export interface CallFailure {
  code: 'request_timeout' | 'connection_failed' | 'invalid_answer';
  message: string;
}

/** Statuses that ask for fewer calls: rate limits, and servers that are full. Source: OpenAI's and Anthropic's pages on errors. */
const busyStatuses = new Set([429, 503, 529]);

/**
 * Makes a call and says what came of it.
 *
 * @param call answers with the response, or throws what `failedCall` reads.
 * @throws what is ours: an unreadable secret, a refused key.
 */
export async function liveAnswer(form: LiveForm, lineId: string, call: () => Promise<Response>): Promise<LiveAnswer> {
  try {
    const response = await call();
    const body = Buffer.from(await response.arrayBuffer());
    const requestId = response.headers.get('x-request-id') ?? response.headers.get('request-id');
    return answerFrom(form, lineId, { status: response.status, requestId, body });
  } catch (error) {
    if (isOwnError(error)) throw error;
    return failureFrom(form, lineId, failedCall(error));
  }
}

interface Received {
  status: number;
  requestId: string | null;
  body: Buffer;
}

function answerFrom(form: LiveForm, lineId: string, { status, requestId, body }: Received): LiveAnswer {
  const parsed = objectFrom(body);
  const fault = parsed ? faultIn(parsed) : `${body.length} bytes that are no JSON object`;
  if (!parsed || fault !== null) {
    const message = `The endpoint answered with HTTP status ${status} and ${fault}.`;
    return { outcome: 'failed', line: form.failed(lineId, { code: 'invalid_answer', message }), message };
  }
  return {
    outcome: 'answered',
    line: form.answered(lineId, status, requestId, onOneLine(body)),
    succeeded: true,
    tokens: form.tokensOf(parsed),
  };
}

/** Servers in between send the error of what is behind them under a status of 200. Source: https://openrouter.ai/docs/api-reference/errors */
function faultIn(body: JsonObject): string | null {
  const { error, choices } = body;
  if (!isAbsent(error)) return `an error: ${safeText(JSON.stringify(error))}`;
  const isEmpty = Object.keys(body).length === 0 || (Array.isArray(choices) && choices.length === 0);
  return isEmpty ? 'nothing in it' : null;
}

function failureFrom(form: LiveForm, lineId: string, failed: FailedCall): LiveAnswer {
  switch (failed.kind) {
    case 'answered':
      return refusalFrom(form, lineId, failed);
    case 'not_connected':
      return { outcome: 'unreachable', message: failed.message };
    case 'unclear': {
      const { message } = failed;
      const line = form.failed(lineId, { code: 'connection_failed', message });
      return { outcome: 'failed', line, message };
    }
  }
}

function refusalFrom(form: LiveForm, lineId: string, failed: Refusal): LiveAnswer {
  const { status, message, retryAfterSeconds } = failed;
  const line = form.refused(lineId, failed);
  if (isOutOfCredit(failed)) return { outcome: 'unreachable', message };
  if (status === 403) return { outcome: 'forbidden', line, message };
  if (busyStatuses.has(status)) return { outcome: 'busy', line, message, retryAfterSeconds };
  if (isRetryableStatus(status)) return { outcome: 'failed', line, message };
  return { outcome: 'answered', line, succeeded: false, tokens: null };
}

const lineBreaks = [0x0a, 0x0d];

/** Within JSON a line break stands between values only, where a space does as well. */
export function onOneLine(json: Buffer): Buffer {
  for (const lineBreak of lineBreaks)
    for (let at = json.indexOf(lineBreak); at >= 0; at = json.indexOf(lineBreak, at + 1)) json[at] = 0x20;
  return json;
}

/**
 * Finds the id and the body of a line as `translateRequest` made it.
 *
 * @param member what holds the body: `body`, `params`.
 * @param idMember what holds the id.
 */
export function partsOf(line: Buffer, member: string, idMember = 'custom_id'): { lineId: string; body: Buffer } {
  const members = membersOf(line);
  const id = members.find(({ key }) => key === idMember);
  const body = members.find(({ key }) => key === member);
  if (!id || !body) throw new Error(`A request line has no ${idMember} or no ${member}.`);
  return { lineId: line.toString('utf8', id.start + 1, id.end - 1), body: line.subarray(body.start, body.end) };
}
