import { exactAnswer } from '../../lines/exact-body.ts';
import { countOf, isAbsent, objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { isRetryableStatus } from '../../lines/retryable.ts';
import type { JsonObject } from '../../records/json.ts';
import { type Usage, usageOf } from '../../records/usage.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { answeredLine } from '../shared/forms/answered-line.ts';
import { failedLine, openAILine, type ResultSource } from '../shared/forms/openai-line.ts';
import { readdressedLine } from '../shared/forms/readdressed-line.ts';
import { saidError } from '../shared/said-error.ts';
import { answerFromMessage, blocksOf } from './answer-from-message.ts';

/**
 * Reads one line of a batch's results. Source: https://platform.claude.com/docs/en/api/retrieving-message-batch-results
 *
 * A line that came in Anthropic's form is answered in its own bytes, any other in OpenAI's form.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  if (typeof parsed.custom_id !== 'string') return malformedLine('has no custom_id');
  const line = find(parsed.custom_id);
  if (!line) return { kind: 'foreign' };
  const result = objectOf(parsed.result);
  if (!result) return malformedLine('has no result');
  const source = { bytes, lineId: parsed.custom_id, line };
  switch (result.type) {
    case 'succeeded':
      return fromMessage(source, result);
    case 'errored':
      return fromError(source, result.error);
    case 'expired':
      return unexecutedLine(line, 'expired', 'This request could not be executed before the batch expired.');
    case 'canceled':
      return unexecutedLine(line, 'cancelled', 'This request was not executed: the batch was cancelled.');
    default:
      return malformedLine('has a result of unknown type');
  }
}

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Anthropic's result line ${what}.` };
}

function unexecutedLine(line: AnsweredLine, reason: 'expired' | 'cancelled', message: string): TranslatedResult {
  return { kind: 'unexecuted', position: line.position, reason, message };
}

function fromMessage(source: ResultSource, result: JsonObject): TranslatedResult {
  const message = objectOf(result.message);
  if (!message || !Array.isArray(message.content)) return malformedLine('succeeded without a message');
  const usage = usageFrom(objectOf(message.usage));
  try {
    return source.line.endpoint === '/v1/messages'
      ? nativeAnswer(source, message, usage)
      : chatAnswer(source, message, usage);
  } catch (error) {
    if (error instanceof RangeError) return malformedLine('is nested too deeply');
    throw error;
  }
}

function chatAnswer(source: ResultSource, message: JsonObject, usage: Usage | null): TranslatedResult {
  const answer = answerFromMessage(withExactInputs(source, message), usage);
  return answeredLine(source, answer, { service: 'Anthropic', requestId: textOf(message.id) });
}

/** What was asked for as a Message is answered by it. */
function nativeAnswer(source: ResultSource, message: JsonObject, usage: Usage | null): TranslatedResult {
  const { position, format } = source.line;
  const body = () => exactAnswer(source.bytes, ['result', 'message']) ?? message;
  const bytes =
    format === 'anthropic'
      ? readdressedLine(source.bytes, source.lineId, source.line, null)
      : openAILine(source, { status: 200, requestId: textOf(message.id), body: body(), error: null });
  return {
    kind: 'answered',
    position,
    bytes,
    succeeded: true,
    retryable: false,
    usage,
    model: textOf(message.model),
  };
}

/** Texts and thoughts have no numbers; whatever else there is may. */
function withExactInputs(source: ResultSource, message: JsonObject): JsonObject {
  const isPlain = blocksOf(message).every(({ type }) => type === 'text' || type === 'thinking');
  return isPlain ? message : (exactAnswer(source.bytes, ['result', 'message']) ?? message);
}

/**
 * Anthropic counts cached and written input apart, OpenAI within.
 *
 * @returns null where it counts neither input nor output.
 */
export function usageFrom(usage: JsonObject | null): Usage | null {
  if (!usage || (isAbsent(usage.input_tokens) && isAbsent(usage.output_tokens))) return null;
  const cached = countOf(usage.cache_read_input_tokens);
  const creation = objectOf(usage.cache_creation);
  const writtenForHour = countOf(creation?.ephemeral_1h_input_tokens);
  const written =
    countOf(usage.cache_creation_input_tokens) || countOf(creation?.ephemeral_5m_input_tokens) + writtenForHour;
  return usageOf({
    input: countOf(usage.input_tokens) + written + cached,
    cached,
    written,
    writtenForHour,
    output: countOf(usage.output_tokens),
    reasoning: countOf(objectOf(usage.output_tokens_details)?.thinking_tokens),
  });
}

/** All tokens of a Message; null where it does not say. */
export function tokensOfMessage(message: JsonObject): number | null {
  return usageFrom(objectOf(message.usage))?.total_tokens ?? null;
}

// Source: https://platform.claude.com/docs/en/api/errors
const statusByErrorType = new Map<string, number>([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['conflict_error', 409],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** An error that we do not know is Anthropic's fault until shown otherwise; errors cost nothing there. */
const unknownErrorStatus = 500;

function fromError(source: ResultSource, given: unknown): TranslatedResult {
  const said = saidError(given);
  const envelope = objectOf(given);
  // The envelope has a type as well, which says nothing.
  const type = textOf(objectOf(envelope?.error)?.type) ?? (said.type === 'error' ? null : said.type);
  if (type === null && said.message === null) return malformedLine('errored without an error');
  const code = type ?? 'api_error';
  const status = statusByErrorType.get(code) ?? unknownErrorStatus;
  const failure = { code, message: said.message ?? `Anthropic answered with ${code}.` };
  if (source.line.format !== 'anthropic')
    return failedLine(source, { ...failure, status, requestId: textOf(envelope?.request_id) });
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: readdressedLine(source.bytes, source.lineId, source.line, failure),
    succeeded: false,
    retryable: isRetryableStatus(status),
    usage: null,
    model: null,
  };
}
