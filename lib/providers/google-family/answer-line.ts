import { mayLoseNumbers, parseExact } from '../../lines/exact-json.ts';
import { objectOf, textOf } from '../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { TranslatedResult } from '../contract.ts';
import { answeredLine } from '../shared/forms/answered-line.ts';
import { failedLine, type ResultSource } from '../shared/forms/openai-line.ts';
import { answerFromResponse, blockedPrompt, hasCandidates, isPlain, usageFrom } from './answer-from-response.ts';

/** What a GenerateContentResponse becomes, a failure where the prompt was blocked; null where it is none. */
export function answerFrom(source: ResultSource, response: JsonObject): TranslatedResult | null {
  const usage = usageFrom(objectOf(response.usageMetadata));
  const requestId = textOf(response.responseId);
  if (!hasCandidates(response)) {
    const failure = blockedPrompt(response);
    return failure && failedLine(source, { ...failure, requestId, usage });
  }
  const exact = isPlain(response) ? null : exactResponse(source.bytes);
  const answer = answerFromResponse(exact ?? response, usage);
  return answeredLine(source, answer, { service: 'Google', requestId });
}

/** What has numbers that go on; of the rest only the text does. */
const holdsNumbers = /"(?:functionCall|logprobsResult|groundingMetadata|toolCall|toolResponse|citationMetadata)"/;

/** The response with its numbers as the model wrote them; null where they are so already. */
function exactResponse(bytes: Buffer): JsonObject | null {
  const text = bytes.toString('utf8');
  if (!mayLoseNumbers(text) || !holdsNumbers.test(text)) return null;
  const line = parseExact(text);
  return isObject(line) ? objectOf(line.response) : null;
}
