import { exactAnswer } from '../../lines/exact-body.ts';
import { countOf, isAbsent, objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { answeredLine } from '../shared/forms/answered-line.ts';
import { failedLine, openAILine, type ResultSource } from '../shared/forms/openai-line.ts';
import { type SaidError, saidError } from '../shared/said-error.ts';
import { answerFromCompletion, choicesOf } from './completion.ts';

/**
 * Reads one line of a job's output or error file, `{id, custom_id, response: {status_code, body}, error}`, and answers in
 * OpenAI's form. Source: https://docs.mistral.ai/capabilities/batch/
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  if (typeof parsed.custom_id !== 'string') return malformedLine('has no custom_id');
  const line = find(parsed.custom_id);
  if (!line) return { kind: 'foreign' };
  const source = { bytes, lineId: parsed.custom_id, line };
  const response = objectOf(parsed.response);
  if (response) return fromResponse(source, response, parsed.error);
  const detail = saidError(parsed.error);
  if (detail.code === null && detail.message === null) return malformedLine('has neither a response nor an error');
  return errorLine(source, failedWithoutAnswer, detail);
}

/** Mistral's fault until shown otherwise. */
const failedWithoutAnswer = 500;

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Mistral's result line ${what}.` };
}

function fromResponse(source: ResultSource, response: JsonObject, error: unknown): TranslatedResult {
  const status = response.status_code;
  if (typeof status !== 'number' || !Number.isInteger(status))
    return malformedLine('has a response without a status_code');
  const body = objectOf(response.body);
  if (status < 200 || status >= 300 || !isEmpty(error))
    return errorLine(source, status, saidError(body ?? error ?? response.body));
  return body ? fromAnswer(source, body) : malformedLine('has a response without a body');
}

function isEmpty(error: unknown): boolean {
  return error === undefined || error === null || error === '' || (isObject(error) && Object.keys(error).length === 0);
}

function fromAnswer(source: ResultSource, body: JsonObject): TranslatedResult {
  const usage = usageFrom(objectOf(body.usage));
  if (isBroken(source, body)) return errorLine(source, failedWithoutAnswer, brokenOff, usage);
  try {
    const exact = exactAnswer(source.bytes, ['response', 'body']) ?? body;
    const requestId = textOf(body.id);
    if (source.line.endpoint === '/v1/chat/completions')
      return answeredLine(source, answerFromCompletion(exact, usage), { service: 'Mistral', requestId });
    const answer = source.line.endpoint === '/v1/moderations' ? moderationFrom(exact) : exact;
    return {
      kind: 'answered',
      position: source.line.position,
      bytes: openAILine(source, { status: 200, requestId, body: answer, error: null }),
      succeeded: true,
      retryable: false,
      usage,
      model: textOf(body.model),
    };
  } catch (error) {
    if (error instanceof RangeError) return malformedLine('is nested too deeply');
    throw error;
  }
}

const brokenOff: SaidError = {
  code: 'generation_error',
  message: 'Mistral broke the answer off with an error.',
  type: 'server_error',
  param: null,
};

/** Whether nothing but broken answers came. */
function isBroken({ line }: ResultSource, body: JsonObject): boolean {
  const choices = choicesOf(body);
  const isChat = line.endpoint === '/v1/chat/completions';
  return isChat && choices.length > 0 && choices.every((choice) => choice.finish_reason === 'error');
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

/** @returns null where it counts neither input nor output. */
export function usageFrom(usage: JsonObject | null): Usage | null {
  if (!usage || (isAbsent(usage.prompt_tokens) && isAbsent(usage.completion_tokens))) return null;
  const details = objectOf(usage.prompt_tokens_details) ?? objectOf(usage.prompt_token_details);
  return usageOf({
    input: countOf(usage.prompt_tokens),
    cached: countOf(details?.cached_tokens) || countOf(usage.num_cached_tokens),
    output: countOf(usage.completion_tokens),
    reasoning: countOf(objectOf(usage.completion_tokens_details)?.reasoning_tokens),
  });
}

/** What an error says, and what is said where it does not. */
function errorLine(
  source: ResultSource,
  status: number,
  detail: SaidError,
  usage: Usage | null = null,
): TranslatedResult {
  return failedLine(source, {
    ...detail,
    status,
    code: detail.code ?? detail.type ?? `http_${status}`,
    message:
      detail.message ??
      (status < 100 ? 'Mistral has no answer to this request.' : `Mistral answered with HTTP status ${status}.`),
    usage,
  });
}
