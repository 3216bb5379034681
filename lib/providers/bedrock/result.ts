import { safeText } from '../../core/errors.ts';
import { membersOf } from '../../core/json-spans.ts';
import { isObject, type JsonObject } from '../../core/request-line.ts';
import { isRetryableStatus } from '../../core/result-line.ts';
import type { Usage } from '../../core/usage.ts';
import { parseExact } from '../exact-json.ts';
import { objectFrom, objectOf, textOf } from '../foreign-json.ts';
import type { AnsweredLine, TranslatedResult } from '../provider.ts';
import { answerError } from '../readdressed-line.ts';
import type { AnswerReader } from './body.ts';
import { familyOf } from './model-family.ts';

/**
 * Reads one line of a job's output: `{recordId, modelInput, modelOutput}`, or `error` in place of the output. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html, read 2026-11.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformed('is not a JSON object in UTF-8');
  if (typeof parsed.recordId !== 'string') return malformed('has no recordId');
  const line = find(parsed.recordId);
  if (!line) return { kind: 'foreign' };
  const source = { bytes, lineId: parsed.recordId, line };
  const error = objectOf(parsed.error);
  if (error) return fromError(source, error);
  const output = objectOf(parsed.modelOutput);
  const reader = familyOf(line.model ?? '')?.reader;
  return output && reader?.isAnswer(output)
    ? fromOutput(source, output, reader)
    : malformed('has neither an answer of its model nor an error');
}

interface Source {
  bytes: Buffer;
  lineId: string;
  line: AnsweredLine;
}

function malformed(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Bedrock's result line ${what}.` };
}

function fromOutput(source: Source, output: JsonObject, reader: AnswerReader): TranslatedResult {
  const usage = reader.usageOf(output);
  const bytes = answerBytes(source, output, reader, usage);
  if (!bytes) return malformed('is nested too deeply');
  return {
    kind: 'answered',
    position: source.line.position,
    bytes,
    succeeded: true,
    retryable: false,
    usage,
    model: textOf(output.model) ?? source.line.model,
  };
}

function answerBytes(source: Source, output: JsonObject, reader: AnswerReader, usage: Usage | null): Buffer | null {
  const { line, lineId } = source;
  const own = outputBytes(source.bytes);
  try {
    if (line.format === 'anthropic')
      return wrapped(
        `{"custom_id":${JSON.stringify(line.customId)},"result":{"type":"succeeded","message":`,
        own,
        '}}',
      );
    const about = { lineId, model: line.model, usage };
    const body = line.endpoint === '/v1/messages' ? own : translated(reader.bodyOf(exactOutput(own, output), about));
    return openAILine(source, { status: 200, requestId: textOf(output.id), body, error: null });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** The model's own bytes; of a doubled name the last value counts, as in JSON.parse. */
function outputBytes(bytes: Buffer): Buffer {
  const { start, end } = membersOf(bytes).findLast(({ key }) => key === 'modelOutput') ?? { start: 0, end: 0 };
  return bytes.subarray(start, end);
}

/** The output with its numbers as the model wrote them. */
function exactOutput(own: Buffer, output: JsonObject): JsonObject {
  const exact = parseExact(own.toString('utf8'));
  return isObject(exact) ? exact : output;
}

function translated(body: object): Buffer {
  return Buffer.from(JSON.stringify(body));
}

/** Bedrock names errors by number here and by its exceptions elsewhere; it documents neither for batches. Unconfirmed. */
const statusByErrorName = new Map<string, number>([
  ['ValidationException', 400],
  ['AccessDeniedException', 403],
  ['ResourceNotFoundException', 404],
  ['ModelTimeoutException', 408],
  ['ModelErrorException', 424],
  ['ModelNotReadyException', 429],
  ['ServiceQuotaExceededException', 429],
  ['ThrottlingException', 429],
  ['InternalServerException', 500],
  ['ServiceUnavailableException', 503],
]);

/** An error that we do not know is Bedrock's fault until shown otherwise. */
const unknownErrorStatus = 500;

/** The HTTP status that an error of Bedrock's stands for. */
export function statusOf(code: number | string): number {
  const status = Number(code);
  if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
  return statusByErrorName.get(String(code)) ?? unknownErrorStatus;
}

function fromError(source: Source, error: JsonObject): TranslatedResult {
  const given = typeof error.errorCode === 'number' ? error.errorCode : textOf(error.errorCode);
  if (given === null) return malformed('has an error without a code');
  const status = statusOf(given);
  const code = typeof given === 'number' ? `http_${given}` : given;
  const message = safeText(textOf(error.errorMessage) ?? `Bedrock answered with ${code}.`);
  return {
    kind: 'answered',
    position: source.line.position,
    bytes: failureBytes(source, status, code, message),
    succeeded: false,
    retryable: isRetryableStatus(status),
    usage: null,
    model: null,
  };
}

function failureBytes(source: Source, status: number, code: string, message: string): Buffer {
  const error = answerError({ code, message }, source.line);
  if (source.line.format === 'anthropic') {
    const result = { type: 'errored', error: { type: 'error', error: { type: code, message }, request_id: null } };
    return Buffer.from(JSON.stringify({ custom_id: source.line.customId, result, error }));
  }
  const body = Buffer.from(JSON.stringify({ error: { message, type: code, param: null, code } }));
  return openAILine(source, { status, requestId: null, body, error });
}

interface OpenAIAnswer {
  status: number;
  requestId: string | null;
  body: Buffer;
  error: object | null;
}

function openAILine({ lineId, line }: Source, { status, requestId, body, error }: OpenAIAnswer): Buffer {
  const head = JSON.stringify({ id: `batch_req_${lineId}`, custom_id: line.customId }).slice(0, -1);
  const response = JSON.stringify({ status_code: status, request_id: requestId }).slice(0, -1);
  return wrapped(`${head},"response":${response},"body":`, body, `},"error":${JSON.stringify(error)}}`);
}

function wrapped(before: string, bytes: Buffer, behind: string): Buffer {
  return Buffer.concat([Buffer.from(before), bytes, Buffer.from(behind)]);
}
