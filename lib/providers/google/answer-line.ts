import { safeText } from '../../core/errors.ts';
import { isObject, type JsonObject } from '../../core/request-line.ts';
import { isRetryableStatus } from '../../core/result-line.ts';
import { mayLoseNumbers, parseExact } from '../exact-json.ts';
import { objectOf, textOf } from '../foreign-json.ts';
import type { AnsweredLine, TranslatedResult } from '../provider.ts';
import { answerError } from '../readdressed-line.ts';
import { completionFromResponse, isResponse, usageFrom } from './completion-from-response.ts';

/** A line of results, and which request it answers. */
export interface Source {
  bytes: Buffer;
  lineId: string;
  line: AnsweredLine;
}

/** What a GenerateContentResponse becomes; null where it is none. */
export function answerFrom(source: Source, response: JsonObject): TranslatedResult | null {
  if (!isResponse(response)) return null;
  const usage = usageFrom(objectOf(response.usageMetadata));
  const body = completionFromResponse(exactResponse(source.bytes) ?? response, usage, source.lineId);
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: openAILine(source, { status: 200, requestId: textOf(response.responseId), body, error: null }),
    succeeded: true,
    retryable: false,
    usage,
    model: textOf(response.modelVersion),
  };
}

/** The response with its numbers as the model wrote them; null where they are so already. */
function exactResponse(bytes: Buffer): JsonObject | null {
  const text = bytes.toString('utf8');
  if (!text.includes('"functionCall"') || !mayLoseNumbers(text)) return null;
  const line = parseExact(text);
  return isObject(line) ? objectOf(line.response) : null;
}

export interface RequestFailure {
  status: number;
  code: string;
  message: string;
}

export function failureFrom(source: Source, failure: RequestFailure): TranslatedResult {
  const { status, code } = failure;
  const message = safeText(failure.message);
  const body = { error: { message, type: code, param: null, code } };
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: openAILine(source, { status, requestId: null, body, error: answerError({ code, message }, source.line) }),
    succeeded: false,
    retryable: isRetryableStatus(status),
    usage: null,
    model: null,
  };
}

interface OpenAIAnswer {
  status: number;
  requestId: string | null;
  body: object;
  error: object | null;
}

export function openAILine({ lineId, line }: Source, { status, requestId, body, error }: OpenAIAnswer): Buffer {
  const response = { status_code: status, request_id: requestId, body };
  return Buffer.from(JSON.stringify({ id: `batch_req_${lineId}`, custom_id: line.customId, response, error }));
}
