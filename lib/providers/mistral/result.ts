import { safeText } from '../../core/errors.ts';
import { isObject, type JsonObject } from '../../core/request-line.ts';
import { isRetryableStatus } from '../../core/result-line.ts';
import { type Usage, usageOf } from '../../core/usage.ts';
import { mayLoseNumbers, parseExact } from '../exact-json.ts';
import { countOf, objectFrom, objectOf, textOf } from '../foreign-json.ts';
import type { AnsweredLine, TranslatedResult } from '../provider.ts';
import { type AnswerFailure, answerError } from '../readdressed-line.ts';
import { choicesOf, completionFrom } from './completion.ts';
import { errorDetailFrom } from './error-body.ts';

/**
 * Reads one line of a job's output or error file, `{id, custom_id, response: {status_code, body}, error}`, and answers in
 * OpenAI's form. Source: https://docs.mistral.ai/capabilities/batch/
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformed('is not a JSON object in UTF-8');
  if (typeof parsed.custom_id !== 'string') return malformed('has no custom_id');
  const line = find(parsed.custom_id);
  if (!line) return { kind: 'foreign' };
  const source = { bytes, lineId: parsed.custom_id, line };
  const response = objectOf(parsed.response);
  if (response) return fromResponse(source, response, parsed.error);
  const detail = errorDetailFrom(parsed.error);
  if (detail.code === null && detail.message === null) return malformed('has neither a response nor an error');
  return failed(source, { status: failedWithoutAnswer, response: null, detail, usage: null });
}

interface Source {
  bytes: Buffer;
  lineId: string;
  line: AnsweredLine;
}

/** Mistral's fault until shown otherwise. */
const failedWithoutAnswer = 500;

function malformed(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Mistral's result line ${what}.` };
}

function fromResponse(source: Source, response: JsonObject, error: unknown): TranslatedResult {
  const status = response.status_code;
  if (typeof status !== 'number' || !Number.isInteger(status)) return malformed('has a response without a status_code');
  const body = objectOf(response.body);
  if (status < 200 || status >= 300 || !isEmpty(error))
    return failed(source, {
      status,
      response: body,
      detail: errorDetailFrom(body ?? error ?? response.body),
      usage: null,
    });
  return body ? fromAnswer(source, body) : malformed('has a response without a body');
}

function isEmpty(error: unknown): boolean {
  return error === undefined || error === null || error === '' || (isObject(error) && Object.keys(error).length === 0);
}

function fromAnswer(source: Source, body: JsonObject): TranslatedResult {
  const usage = usageFrom(objectOf(body.usage));
  if (isBroken(source, body)) return failed(source, { status: 500, response: null, detail: brokenOff, usage });
  const answer = answerBytes(source, body, usage);
  if (!answer) return malformed('is nested too deeply');
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: answer,
    succeeded: true,
    retryable: false,
    usage,
    model: textOf(body.model),
  };
}

const brokenOff = {
  code: 'generation_error',
  message: 'Mistral broke the answer off with an error.',
  type: 'server_error',
  param: null,
};

/** Whether nothing but broken answers came. */
function isBroken({ line }: Source, body: JsonObject): boolean {
  const choices = choicesOf(body);
  const isChat = line.endpoint === '/v1/chat/completions';
  return isChat && choices.length > 0 && choices.every((choice) => choice.finish_reason === 'error');
}

function answerBytes(source: Source, body: JsonObject, usage: Usage): Buffer | null {
  try {
    return openAILine(source, 200, bodyFrom(source, exactBody(source) ?? body, usage), null);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The answer's body with its numbers as they were written; null where they are so already. */
function exactBody({ bytes }: Source): JsonObject | null {
  const text = bytes.toString('utf8');
  if (!mayLoseNumbers(text)) return null;
  const line = parseExact(text);
  return isObject(line) && isObject(line.response) ? objectOf(line.response.body) : null;
}

function bodyFrom({ line }: Source, body: JsonObject, usage: Usage): JsonObject {
  if (line.endpoint === '/v1/chat/completions') return completionFrom(body, usage);
  return line.endpoint === '/v1/moderations' ? moderationFrom(body) : body;
}

/** Mistral leaves it to the reader to see whether any category applies. */
function moderationFrom(body: JsonObject): JsonObject {
  const results = Array.isArray(body.results) ? body.results : [];
  return {
    ...body,
    results: results.filter(isObject).map((result) => ({
      flagged: Object.values(objectOf(result.categories) ?? {}).includes(true),
      ...result,
    })),
  };
}

export function usageFrom(usage: JsonObject | null): Usage {
  return usageOf({
    input: countOf(usage?.prompt_tokens),
    cached: countOf(objectOf(usage?.prompt_tokens_details)?.cached_tokens),
    output: countOf(usage?.completion_tokens),
    reasoning: countOf(objectOf(usage?.completion_tokens_details)?.reasoning_tokens),
  });
}

interface FailedAnswer {
  status: number;
  /** The body that came, for a code of its own. */
  response: JsonObject | null;
  detail: { code: string | null; message: string | null; type: string | null; param: string | null };
  usage: Usage | null;
}

function failed(source: Source, { status, detail, usage }: FailedAnswer): TranslatedResult {
  const failure: AnswerFailure = {
    code: detail.code ?? detail.type ?? `http_${status}`,
    message: safeText(detail.message ?? `Mistral answered with HTTP status ${status}.`),
  };
  const error = {
    message: failure.message,
    type: detail.type ?? failure.code,
    param: detail.param,
    code: failure.code,
  };
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: openAILine(source, status, { error }, answerError(failure, source.line)),
    succeeded: false,
    retryable: isRetryableStatus(status),
    usage,
    model: null,
  };
}

function openAILine(source: Source, status: number, body: object, error: object | null): Buffer {
  const response = { status_code: status, request_id: textOf(Object(body).id), body };
  return Buffer.from(
    JSON.stringify({ id: `batch_req_${source.lineId}`, custom_id: source.line.customId, response, error }),
  );
}
