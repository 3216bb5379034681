import { objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { translatedResults, usageFrom } from '../openai-family/result.ts';
import { failedLine, openAILine } from '../shared/forms/openai-line.ts';
import { rpcCodes } from '../shared/rpc-codes.ts';
import { type SaidError, saidError } from '../shared/said-error.ts';

/**
 * Reads one of xAI's results, `{batch_request_id, batch_result: {response: {chat_get_completion}} | {error}}`, and writes
 * it as OpenAI does.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  // A live call's line, which is written as OpenAI writes them.
  if ('custom_id' in parsed) return fromOpenAIForm(bytes, find);
  const id = parsed.batch_request_id;
  if (typeof id !== 'string') return malformedLine('has no batch_request_id');
  const line = find(id);
  if (!line) return { kind: 'foreign' };
  const result = objectOf(parsed.batch_result);
  const failure = failureOf(parsed, saidError(result?.error ?? parsed.error));
  if (failure) return fromFailure(line, id, failure);
  const body = bodyOf(objectOf(result?.response));
  return body ? answerLine(line, id, body) : malformedLine('has neither a response nor an error');
}

const fromOpenAIForm = translatedResults('xAI');

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `xAI's result ${what}.` };
}

/** The response has one member, named for the endpoint; its value is the answer as a live call gives it. */
function bodyOf(response: JsonObject | null): JsonObject | null {
  return objectOf(Object.values(response ?? {})[0]);
}

function answerLine(line: AnsweredLine, id: string, body: JsonObject): TranslatedResult {
  try {
    return fromBody(line, id, body);
  } catch (error) {
    if (error instanceof RangeError) return malformedLine('is nested too deeply');
    throw error;
  }
}

function fromBody(line: AnsweredLine, id: string, body: JsonObject): TranslatedResult {
  return {
    kind: 'answered',
    position: line.position,
    bytes: openAILine({ lineId: id, line }, { status: 200, requestId: '', body, error: null }),
    succeeded: true,
    retryable: false,
    usage: usageFrom(body),
    model: textOf(body.model),
  };
}

interface Failure {
  code: string;
  message: string;
}

/** A code of 0 is OK in gRPC, whose codes these are. */
function failureOf(result: JsonObject, error: SaidError): Failure | null {
  const code = error.code === '0' ? null : error.code;
  const message = textOf(result.error_message) ?? error.message;
  if (message === null && code === null) return null;
  return { code: code ?? 'request_failed', message: message ?? 'xAI gave no response.' };
}

// Never executed: CANCELLED and DEADLINE_EXCEEDED.
const reasonByCode = new Map<string, 'cancelled' | 'expired'>([
  ['1', 'cancelled'],
  ['cancelled', 'cancelled'],
  ['batch_cancelled', 'cancelled'],
  ['4', 'expired'],
  ['batch_expired', 'expired'],
]);

function fromFailure(line: AnsweredLine, id: string, { code, message }: Failure): TranslatedResult {
  const reason = reasonByCode.get(code.toLowerCase());
  if (reason) return { kind: 'unexecuted', position: line.position, reason, message };
  const known = rpcCodes[Number(code)] ?? rpcCodes.find(({ name }) => name === code.toUpperCase());
  const status = known?.status ?? httpStatus(code);
  return failedLine({ lineId: id, line }, { status, code, message });
}

/** A code may be an HTTP status; one that nobody knows is a refusal. */
function httpStatus(code: string): number {
  return /^[45]\d\d$/.test(code) ? Number(code) : 400;
}
