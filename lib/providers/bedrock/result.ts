import { mayLoseNumbers, parseExact } from '../../lines/exact-json.ts';
import { objectFrom, objectOf, textOf } from '../../lines/foreign-json.ts';
import { membersOf } from '../../lines/json-spans.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import type { Usage } from '../../records/usage.ts';
import type { AnsweredLine, TranslatedResult } from '../contract.ts';
import { answerInForm } from '../shared/forms/answer-in-form.ts';
import { answeredLine } from '../shared/forms/answered-line.ts';
import { messagesForm } from '../shared/forms/messages/form.ts';
import { failedLine, openAILine, type ResultSource } from '../shared/forms/openai-line.ts';
import { saidError } from '../shared/said-error.ts';
import type { AnswerReader } from './body.ts';
import { familyOf } from './model-family.ts';

/**
 * Reads one line of a job's output: `{recordId, modelInput, modelOutput}`, or `error` in place of the output. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html, read 2026-11.
 */
export function translateResult(bytes: Buffer, find: (lineId: string) => AnsweredLine | null): TranslatedResult {
  const parsed = objectFrom(bytes);
  if (!parsed) return malformedLine('is not a JSON object in UTF-8');
  if (typeof parsed.recordId !== 'string') return malformedLine('has no recordId');
  const line = find(parsed.recordId);
  if (!line) return { kind: 'foreign' };
  const source = { bytes, lineId: parsed.recordId, line };
  const error = objectOf(parsed.error);
  if (error) return fromError(source, error);
  const output = objectOf(parsed.modelOutput);
  const reader = familyOf(line.model ?? '')?.reader;
  return output && reader?.isAnswer(output)
    ? fromOutput(source, output, reader)
    : malformedLine('has neither an answer of its model nor an error');
}

function malformedLine(what: string): TranslatedResult {
  return { kind: 'malformed', message: `Bedrock's result line ${what}.` };
}

function fromOutput(source: ResultSource, output: JsonObject, reader: AnswerReader): TranslatedResult {
  const usage = reader.usageOf(output);
  const about = { model: source.line.model, usage };
  const requestId = textOf(output.id);
  try {
    if (source.line.endpoint === '/v1/messages') return nativeAnswer(source, output, usage);
    const exact = exactOutput(source, output);
    if ('answerOf' in reader)
      return answeredLine(source, reader.answerOf(exact, about), { service: 'Bedrock', requestId });
    const body = reader.bodyOf(exact, about);
    const bytes = openAILine(source, { status: 200, requestId, body, error: null });
    return answered(source, bytes, output, usage);
  } catch (error) {
    if (error instanceof RangeError) return malformedLine('is nested too deeply');
    throw error;
  }
}

/** A Message that was asked for as one. */
function nativeAnswer(source: ResultSource, output: JsonObject, usage: Usage | null): TranslatedResult {
  if (source.line.format === 'anthropic') return answered(source, nativeLine(source), output, usage);
  const body = exactOutput(source, output);
  const bytes = openAILine(source, { status: 200, requestId: textOf(output.id), body, error: null });
  return answered(source, bytes, output, usage);
}

function answered(source: ResultSource, bytes: Buffer, output: JsonObject, usage: Usage | null): TranslatedResult {
  const { position, model } = source.line;
  return {
    kind: 'answered',
    position,
    bytes,
    succeeded: true,
    retryable: false,
    usage,
    model: textOf(output.model) ?? model,
  };
}

/** As Anthropic itself writes it, with the message's own bytes. */
function nativeLine(source: ResultSource): Buffer {
  const head = `{"custom_id":${JSON.stringify(source.line.customId)},"result":{"type":"succeeded","message":`;
  return Buffer.concat([Buffer.from(head), outputBytes(source), Buffer.from('}}')]);
}

/** The output with its numbers as the model wrote them. */
function exactOutput(source: ResultSource, output: JsonObject): JsonObject {
  if (!mayLoseNumbers(source.bytes.toString('utf8'))) return output;
  const exact = parseExact(outputBytes(source).toString('utf8'));
  return isObject(exact) ? exact : output;
}

/** The model's own bytes; of a doubled name the last value counts, as in JSON.parse. */
function outputBytes({ bytes }: ResultSource): Buffer {
  const { start, end } = membersOf(bytes).findLast(({ key }) => key === 'modelOutput') ?? { start: 0, end: 0 };
  return bytes.subarray(start, end);
}

/** Bedrock names errors by number here and by its exceptions elsewhere; it documents neither for batches. Unconfirmed. */
const statusByErrorName = new Map<string, number>([
  ['ValidationException', 400],
  ['AccessDeniedException', 403],
  ['ResourceNotFoundException', 404],
  ['ModelTimeoutException', 408],
  ['ModelErrorException', 500],
  ['ModelNotReadyException', 429],
  ['ServiceQuotaExceededException', 429],
  ['ThrottlingException', 429],
  ['InternalServerException', 500],
  ['ServiceUnavailableException', 503],
]);

/** An error that we do not know is Bedrock's fault until shown otherwise. */
const unknownErrorStatus = 500;

/** ModelErrorException's own: the model failed, and may not the next time. */
const modelErrorStatus = 424;

/** The HTTP status that an error of Bedrock's stands for. */
export function statusOf(code: number | string): number {
  const status = Number(code);
  if (status === modelErrorStatus) return 500;
  if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
  return statusByErrorName.get(String(code)) ?? unknownErrorStatus;
}

/** A line in Anthropic's form is answered in that form. */
function fromError(source: ResultSource, error: JsonObject): TranslatedResult {
  const given = typeof error.errorCode === 'number' ? error.errorCode : textOf(error.errorCode);
  const said = textOf(error.errorMessage) ?? saidError(error).message;
  if (given === null && said === null) return malformedLine('has an error that says nothing');
  const code = typeof given === 'number' ? `http_${given}` : (given ?? 'request_failed');
  const message = said ?? `Bedrock answered with ${code}.`;
  const answer = failedLine(source, { status: statusOf(given ?? code), code, message });
  const isNative = source.line.format === 'anthropic' && answer.kind === 'answered';
  return isNative ? answerInForm(messagesForm, source.line, answer) : answer;
}
