import { exactAnswer } from '../../lines/exact-body.ts';
import { countOf, isAbsent, numericOf, objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isRetryableCode, isRetryableStatus } from '../../lines/retryable.ts';
import type { JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { AnsweredLine, Provider, TranslatedResult } from '../contract.ts';
import { openAILine } from '../shared/forms/openai-line.ts';
import { type AnswerFailure, readdressedLine } from '../shared/forms/readdressed-line.ts';
import { type SaidError, saidError } from '../shared/said-error.ts';

/** Reads the result lines of OpenAI, or of a service that writes them alike. */
export function translatedResults(service: string): Provider['translateResult'] {
  return (bytes, find) => translateResult(service, bytes, find);
}

/**
 * Reads one line of an output or error file. Source: https://platform.openai.com/docs/api-reference/batch/request-output
 *
 * An answer keeps OpenAI's own bytes, except for custom_id and the `error` of a failure.
 */
function translateResult(
  service: string,
  bytes: Buffer,
  find: (lineId: string) => AnsweredLine | null,
): TranslatedResult {
  const malformed = (what: string) => malformedLine(service, what);
  const parsed = objectFrom(bytes);
  if (!parsed) return malformed('is not a JSON object in UTF-8');
  if (typeof parsed.custom_id !== 'string') return malformed('has no custom_id');
  const line = find(parsed.custom_id);
  if (!line) return { kind: 'foreign' };
  const response = objectOf(parsed.response);
  const error = errorIn(parsed.error);
  const source = { service, bytes, lineId: parsed.custom_id, line };
  const isUsual = isAbsent(parsed.error) && response !== null && isPlain(response);
  try {
    if (response) return fromResponse(source, response, error, isUsual);
    return error ? fromError(source, error) : malformed('has neither a response nor an error');
  } catch (thrown) {
    // Where a line keeps its bytes nothing is written that could be too deep.
    if (thrown instanceof RangeError) return malformed('is nested too deeply');
    throw thrown;
  }
}

/** An error that says something, however it is written; null for one that is there and empty. */
function errorIn(given: unknown): SaidError | null {
  if (isAbsent(given)) return null;
  const said = saidError(given);
  return Object.values(said).some((value) => !isAbsent(value)) ? said : null;
}

interface Source {
  service: string;
  bytes: Buffer;
  lineId: string;
  line: AnsweredLine;
}

function malformedLine(service: string, what: string): TranslatedResult {
  return { kind: 'malformed', message: `The result line of ${service} ${what}.` };
}

/** @param isUsual whether a success may keep its bytes. */
function fromResponse(
  source: Source,
  response: JsonObject,
  error: SaidError | null,
  isUsual: boolean,
): TranslatedResult {
  const status = numericOf(response.status_code);
  if (!Number.isInteger(status) || response.status_code === '')
    return malformedLine(source.service, 'has a response without a status_code');
  const body = objectOf(response.body) ?? bodyWithin(response.body);
  const succeeded = status >= 200 && status < 300 && error === null;
  if (succeeded && !body) return malformedLine(source.service, 'has a response without a body');
  const tier = textOf(body?.service_tier);
  const failure = succeeded ? null : httpFailure(source.service, status, body ?? { message: response.body }, error);
  return {
    kind: 'answered',
    position: source.line.position,
    bytes:
      failure || isUsual
        ? readdressedLine(source.bytes, source.lineId, source.line, failure)
        : rewritten(source, response, body),
    succeeded,
    retryable: !succeeded && isRetryableStatus(status),
    usage: usageFrom(body),
    model: textOf(body?.model),
    ...(tier !== null && { tier }),
  };
}

function httpFailure(service: string, status: number, body: JsonObject | null, error: SaidError | null): AnswerFailure {
  const inBody = saidError(body);
  const said = isAbsent(body?.error) && error ? error : inBody;
  return {
    code: said.code ?? said.type ?? `http_${status}`,
    message: said.message ?? inBody.message ?? unsaid(service, status),
  };
}

/** A body that a server wrote as a text. */
function bodyWithin(body: unknown): JsonObject | null {
  return typeof body === 'string' ? objectFrom(Buffer.from(body)) : null;
}

/** Whether a response is written as OpenAI writes it. */
function isPlain({ status_code: status, body }: JsonObject): boolean {
  return typeof status === 'number' && typeof body !== 'string';
}

/** The line as OpenAI would have written it. */
function rewritten({ line, lineId, bytes }: Source, response: JsonObject, body: JsonObject | null): Buffer {
  const status = Number(response.status_code);
  const requestId = textOf(response.request_id);
  const exact = exactAnswer(bytes, ['response', 'body']) ?? body ?? {};
  return openAILine({ lineId, line }, { status, requestId, body: exact, error: null });
}

function unsaid(service: string, status: number): string {
  return status < 100 ? `${service} has no answer to this request.` : `${service} answered with HTTP status ${status}.`;
}

// Never executed. Source: OpenAI's published OpenAPI description, BatchRequestOutput, read 2026-11.
const reasonByCode = new Map<string, 'expired' | 'cancelled'>([
  ['batch_expired', 'expired'],
  ['batch_cancelled', 'cancelled'],
]);

function fromError(source: Source, error: SaidError): TranslatedResult {
  const code = error.code ?? error.type ?? 'request_failed';
  const message = error.message ?? `${source.service} gave no response: ${code}.`;
  const reason = reasonByCode.get(code);
  if (reason) return { kind: 'unexecuted', position: source.line.position, reason, message };
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: readdressedLine(source.bytes, source.lineId, source.line, { code, message }),
    succeeded: false,
    retryable: isRetryableCode(code) || isRetryableStatus(statusIn(code)),
    usage: null,
    model: null,
  };
}

/** The HTTP status that a code is; that of a refusal where it is none. */
function statusIn(code: string): number {
  return /^[1-5]\d\d$/.test(code) ? Number(code) : 400;
}

export function usageFrom(body: JsonObject | null): Usage | null {
  const usage = objectOf(body?.usage);
  if (!usage) return null;
  if (!('input_tokens' in usage)) return completionsUsage(usage);
  // An answer of the images endpoint: a list of pictures, and no output of a model.
  const makesPictures = Array.isArray(body?.data) && !('output' in (body ?? {}));
  return responsesUsage(usage, makesPictures);
}

/** Responses and images: `input_tokens`, `output_tokens`. A picture's output tokens are its own where nothing splits them. */
function responsesUsage(usage: JsonObject, makesPictures: boolean): Usage {
  const input = objectOf(usage.input_tokens_details);
  const cached = objectOf(input?.cached_tokens_details);
  const details = objectOf(usage.output_tokens_details);
  const output = countOf(usage.output_tokens);
  return usageOf({
    input: countOf(usage.input_tokens),
    cached: countOf(input?.cached_tokens),
    written: countOf(input?.cache_write_tokens),
    inputAudio: countOf(input?.audio_tokens),
    inputImage: countOf(input?.image_tokens),
    cachedAudio: countOf(cached?.audio_tokens),
    cachedImage: countOf(cached?.image_tokens),
    output,
    reasoning: countOf(details?.reasoning_tokens),
    outputAudio: countOf(details?.audio_tokens),
    outputImage: makesPictures && !details ? output : countOf(details?.image_tokens),
  });
}

/**
 * Chat, completions and embeddings: `prompt_tokens`, `completion_tokens`. xAI counts reasoning beside the completion, which its
 * total shows; OpenAI counts it within. Source: https://github.com/vercel/ai/issues/12425
 */
function completionsUsage(usage: JsonObject): Usage {
  const input = countOf(usage.prompt_tokens);
  const completion = countOf(usage.completion_tokens);
  const prompt = objectOf(usage.prompt_tokens_details);
  const details = objectOf(usage.completion_tokens_details);
  const reasoning = countOf(details?.reasoning_tokens);
  const isBeside = countOf(usage.total_tokens) === input + completion + reasoning;
  return usageOf({
    input,
    cached: countOf(prompt?.cached_tokens),
    written: countOf(prompt?.cache_write_tokens),
    inputAudio: countOf(prompt?.audio_tokens),
    inputImage: countOf(prompt?.image_tokens),
    output: isBeside ? completion + reasoning : completion,
    reasoning,
    outputAudio: countOf(details?.audio_tokens),
    outputImage: countOf(details?.image_tokens),
  });
}
