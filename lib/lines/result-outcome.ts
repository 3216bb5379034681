import { isObject, type JsonObject } from '../records/json.ts';
import { objectOf, textOf } from './foreign-json.ts';
import type { LineFormat } from './request-line.ts';

/** What a result line says became of its request. */
export type LineOutcome =
  | { answered: true; format: LineFormat; body: unknown }
  | { answered: false; code: string; message: string; statusCode: number | null; body: unknown };

/** Reads a result line: OpenAI's `{custom_id, response, error}`, or Anthropic's `{custom_id, result}`. */
export function outcomeOf(line: JsonObject): LineOutcome {
  const native = objectOf(line.result);
  return native ? nativeOutcome(native, line) : openAIOutcome(line);
}

function openAIOutcome(line: JsonObject): LineOutcome {
  const response = objectOf(line.response);
  const error = objectOf(line.error);
  const statusCode = typeof response?.status_code === 'number' ? response.status_code : null;
  const body = response?.body ?? null;
  if (statusCode !== null && statusCode < 400 && error === null) return { answered: true, format: 'openai', body };
  const detail = isObject(body) ? objectOf(body.error) : null;
  const code = textOf(error?.code) ?? textOf(detail?.code) ?? textOf(detail?.type) ?? `http_${statusCode ?? 'none'}`;
  const message = textOf(error?.message) ?? textOf(detail?.message) ?? `The request failed: ${code}.`;
  return { answered: false, code, message, statusCode, body };
}

/** Source: https://platform.claude.com/docs/en/api/retrieving-message-batch-results */
function nativeOutcome(result: JsonObject, line: JsonObject): LineOutcome {
  if (result.type === 'succeeded') return { answered: true, format: 'anthropic', body: result.message };
  const own = objectOf(line.error);
  const theirs = objectOf(objectOf(result.error)?.error);
  const code = textOf(own?.code) ?? nativeCodes.get(textOf(result.type)) ?? textOf(theirs?.type) ?? 'errored';
  const message = textOf(own?.message) ?? textOf(theirs?.message) ?? `The request failed: ${code}.`;
  return { answered: false, code, message, statusCode: null, body: result.error ?? null };
}

const nativeCodes = new Map<string | null, string>([
  ['expired', 'batch_expired'],
  ['canceled', 'batch_cancelled'],
]);
