import { parseExact } from '../../lines/exact-json.ts';
import { objectFrom, objectOf } from '../../lines/foreign-json.ts';
import { membersOf } from '../../lines/json-spans.ts';
import type { JsonObject } from '../../records/json.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { answerFrom } from '../google-family/answer-line.ts';
import { errorOf, failureOf, isFailure } from '../google-family/rpc-error.ts';
import { failedLine, openAILine, type ResultSource } from '../shared/forms/openai-line.ts';
import { embeddingList, embeddingUsage } from './embedding.ts';

/**
 * Reads one line of a batch's responses file: `{key, response}` or `{key, error}`. Source:
 * https://ai.google.dev/gemini-api/docs/batch-api, from memory.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  if (typeof parsed.key !== 'string') return malformedLine('has no key');
  const line = find(parsed.key);
  if (!line) return { kind: 'foreign' };
  const source = { bytes, lineId: parsed.key, line };
  const error = errorOf(parsed.error);
  if (error && isFailure(error)) return failedLine(source, failureOf(error));
  const response = objectOf(parsed.response);
  return (response && answerLine(source, response)) ?? lineWithoutAnswer(source, error);
}

function lineWithoutAnswer(source: ResultSource, error: JsonObject | null): TranslatedResult {
  return error ? failedLine(source, failureOf(error)) : malformedLine('has neither an answer nor an error');
}

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Gemini's result line ${what}.` };
}

function answerLine(source: ResultSource, response: JsonObject): TranslatedResult | null {
  try {
    return source.line.endpoint === '/v1/embeddings' ? embeddingLine(source, response) : answerFrom(source, response);
  } catch (error) {
    if (error instanceof RangeError) return malformedLine('is nested too deeply');
    throw error;
  }
}

function embeddingLine(source: ResultSource, response: JsonObject): TranslatedResult | null {
  if (!Array.isArray(objectOf(response.embedding)?.values)) return null;
  const usage = embeddingUsage(response);
  const body = embeddingList(exactValues(source.bytes), usage?.input_tokens ?? 0, source.line.model);
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: openAILine(source, { status: 200, requestId: null, body, error: null }),
    succeeded: true,
    retryable: false,
    usage,
    model: source.line.model,
  };
}

/** The vector with its numbers as the model wrote them; of a doubled name the last value counts, as in JSON.parse. */
function exactValues(bytes: Buffer): unknown {
  const response = memberBytes(bytes, 'response');
  return parseExact(memberBytes(memberBytes(response, 'embedding'), 'values').toString('utf8'));
}

function memberBytes(json: Buffer, name: string): Buffer {
  const { start, end } = membersOf(json).findLast(({ key }) => key === name) ?? { start: 0, end: 0 };
  return json.subarray(start, end);
}
