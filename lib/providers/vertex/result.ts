import { objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { membersOf } from '../../lines/json-spans.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { translateResult as translateClaudeResult } from '../anthropic/result.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { answerFrom } from '../google-family/answer-line.ts';
import { errorOf, failureOf, isFailure } from '../google-family/rpc-error.ts';
import { answerInForm } from '../shared/forms/answer-in-form.ts';
import { messagesForm } from '../shared/forms/messages/form.ts';
import { failedLine, type ResultSource } from '../shared/forms/openai-line.ts';

/**
 * Reads one line of a job's output: `{custom_id, status, request, response}`, its status empty where all went well. Held
 * against recorded lines of Gemini; Claude's are as documented, with a Message as the response.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  const lineId = textOf(parsed.custom_id) ?? labelOf(parsed.request);
  if (lineId === null) return malformedLine('has neither a custom_id nor our label');
  const line = find(lineId);
  if (!line) return { kind: 'foreign' };
  const source = { bytes, lineId, line };
  const response = objectOf(parsed.response);
  if (isClaudeError(response)) return translateClaudeResult(claudeLine(source, 'errored', 'error'), find);
  const error = errorIn(parsed);
  if (error && isFailure(error)) return errorLine(source, error);
  return (response && answerLine(source, response, find)) ?? lineWithoutAnswer(source, error);
}

/** The label in the request that is repeated. */
function labelOf(request: unknown): string | null {
  return textOf(objectOf(objectOf(request)?.labels)?.batchdrop_line);
}

function lineWithoutAnswer(source: ResultSource, error: JsonObject | null): TranslatedResult {
  return error ? errorLine(source, error) : malformedLine('has neither an answer nor an error');
}

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Vertex's result line ${what}.` };
}

function answerLine(
  source: ResultSource,
  response: JsonObject,
  find: (lineId: string) => AnsweredLine | null,
): TranslatedResult | null {
  if (response.type === 'message') return translateClaudeResult(claudeLine(source, 'succeeded', 'message'), find);
  try {
    const chat = answerFrom(source, response);
    const wantsMessage = source.line.endpoint === '/v1/messages';
    return wantsMessage && chat?.kind === 'answered' ? answerInForm(messagesForm, source.line, chat) : chat;
  } catch (error) {
    if (error instanceof RangeError) return malformedLine('is nested too deeply');
    throw error;
  }
}

function isClaudeError(response: JsonObject | null): boolean {
  return response?.type === 'error' && textOf(objectOf(response.error)?.type) !== null;
}

/** The line as Anthropic itself would write it, with the response's own bytes. */
function claudeLine(
  { bytes, lineId }: ResultSource,
  type: 'succeeded' | 'errored',
  member: 'message' | 'error',
): Buffer {
  const { start, end } = membersOf(bytes).findLast(({ key }) => key === 'response') ?? { start: 0, end: 0 };
  const head = `{"custom_id":${JSON.stringify(lineId)},"result":{"type":"${type}","${member}":`;
  return Buffer.concat([Buffer.from(head), bytes.subarray(start, end), Buffer.from('}}')]);
}

function errorIn(parsed: JsonObject): JsonObject | null {
  const status = textOf(parsed.status);
  if (status === null) return errorOf(parsed.error) ?? errorOf(objectOf(parsed.response)?.error);
  return errorWithin(status) ?? { status, message: status, ...codeWithin(status) };
}

/** The status is a text, such as `Bad Request: {"error": {"code": 400, ...}}`. */
function errorWithin(status: string): JsonObject | null {
  try {
    const body: unknown = JSON.parse(status.slice(Math.max(0, status.indexOf('{'))));
    return isObject(body) ? (objectOf(body.error) ?? body) : null;
  } catch {
    return null;
  }
}

function codeWithin(status: string): { code?: number } {
  const code = /\b(?:code|status)\W{1,4}(\d{1,3})\b/i.exec(status)?.[1] ?? /^(\d{3})\b/.exec(status)?.[1];
  return code === undefined ? {} : { code: Number(code) };
}

/** A line in Anthropic's form is answered in that form. */
function errorLine(source: ResultSource, error: JsonObject): TranslatedResult {
  const answer = failedLine(source, failureOf(error));
  const isNative = source.line.format === 'anthropic' && answer.kind === 'answered';
  return isNative ? answerInForm(messagesForm, source.line, answer) : answer;
}
