import { mayLoseNumbers, parseExact } from '../../lines/exact-json.ts';
import { objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { TranslatedResult } from '../contract.ts';
import { failedLine, openAILine, type RequestFailure, type ResultSource } from '../shared/forms/openai-line.ts';
import { completionFromResponse, isBroken, isResponse, usageFrom } from './completion-from-response.ts';

/** What a GenerateContentResponse becomes; null where it is none. */
export function answerFrom(source: ResultSource, response: JsonObject): TranslatedResult | null {
  if (!isResponse(response)) return null;
  const usage = usageFrom(objectOf(response.usageMetadata));
  if (isBroken(response)) return failedLine(source, { ...brokenOff, usage });
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

/** The model's fault, which it need not repeat. */
const brokenOff: RequestFailure = {
  status: 500,
  code: 'generation_error',
  type: 'server_error',
  message: "The model's answer or its call of a tool was malformed, and Google left it out.",
};

/** What has numbers that go on; of the rest only the text does. */
const holdsNumbers = /"functionCall"|"logprobsResult"/;

/** The response with its numbers as the model wrote them; null where they are so already. */
function exactResponse(bytes: Buffer): JsonObject | null {
  const text = bytes.toString('utf8');
  if (!holdsNumbers.test(text) || !mayLoseNumbers(text)) return null;
  const line = parseExact(text);
  return isObject(line) ? objectOf(line.response) : null;
}
