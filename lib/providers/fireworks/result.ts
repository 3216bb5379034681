import { objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { membersOf } from '../../lines/json-spans.ts';
import type { JsonObject } from '../../records/json.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { usageFrom } from '../openai-family/result.ts';
import { failedLine } from '../shared/forms/openai-line.ts';
import { rpcCodes } from '../shared/rpc-codes.ts';
import { saidError } from '../shared/said-error.ts';

/**
 * Reads a line of a job's output dataset: `{custom_id, response}`, where the response is the completion itself, or `{custom_id,
 * error}` in its file of errors. Writes it as OpenAI does; an answer keeps its own bytes. Source:
 * https://docs.fireworks.ai/guides/batch-inference, read 2026-11; the members of `error` are unconfirmed.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  if (typeof parsed.custom_id !== 'string') return malformedLine('has no custom_id');
  const line = find(parsed.custom_id);
  if (!line) return { kind: 'foreign' };
  const failure = failureIn(parsed.error);
  if (failure) return failedLine({ lineId: parsed.custom_id, line }, failure);
  const response = objectOf(parsed.response);
  return response
    ? answerLine(bytes, parsed.custom_id, line, response)
    : malformedLine('has neither a response nor an error');
}

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `The result line of Fireworks ${what}.` };
}

function answerLine(bytes: Buffer, lineId: string, line: AnsweredLine, response: JsonObject): TranslatedResult {
  const body = membersOf(bytes).find(({ key }) => key === 'response');
  if (!body) return malformedLine('has no response');
  const head = `{"id":"batch_req_${lineId}","custom_id":${JSON.stringify(line.customId)},"response":{"status_code":200,"request_id":"","body":`;
  return {
    kind: 'answered',
    position: line.position,
    bytes: Buffer.concat([Buffer.from(head), bytes.subarray(body.start, body.end), Buffer.from('},"error":null}')]),
    succeeded: true,
    retryable: false,
    usage: usageFrom(response),
    model: textOf(response.model),
  };
}

// The names of the HTTP API's errors, and of gRPC's codes, by the status that they stand for.
const statusByCode = new Map([
  ['RATE_LIMIT_EXCEEDED', 429],
  ['INTERNAL_SERVER_ERROR', 500],
  ['SERVICE_UNAVAILABLE', 503],
  ...rpcCodes.map(({ name, status }): [string, number] => [name, status]),
]);

/** An error is a text, or an object with a message and perhaps a code; one whose code nobody knows is a refusal. */
function failureIn(error: unknown): { status: number; code: string; message: string } | null {
  const detail = objectOf(error);
  const said = saidError(error);
  if (!detail && said.message === null) return null;
  const code = said.code ?? said.type ?? 'request_failed';
  const status = typeof detail?.status_code === 'number' ? detail.status_code : statusOf(code);
  return { status, code, message: said.message ?? 'Fireworks gave no response.' };
}

/** A code may be an HTTP status, or gRPC's by its number. */
function statusOf(code: string): number {
  if (/^[45]\d\d$/.test(code)) return Number(code);
  return statusByCode.get(code.toUpperCase()) ?? rpcCodes[Number(code)]?.status ?? 400;
}
