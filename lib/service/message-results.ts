import { exactAnswer } from '../lines/exact-body.ts';
import { objectFrom, objectOf, textOf } from '../lines/foreign-json.ts';
import { membersOf } from '../lines/json-spans.ts';
import { fileStart, type LinePosition, maxLineBytes, splitLinesFrom } from '../lines/jsonl.ts';
import { maxResultLineBytes, nativeResult } from '../lines/result-line.ts';
import { readPartsFrom, resolveParts } from '../pipeline/joined-objects.ts';
import type { Services } from '../pipeline/services.ts';
import { usageFrom } from '../providers/openai-family/result.ts';
import { erroredResult } from '../providers/shared/forms/answer-in-form.ts';
import { messagesForm } from '../providers/shared/forms/messages/form.ts';
import type { BatchRecord, S3Object } from '../records/batch.ts';
import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { type FileRecord, hasExpired, type PlaceInLines, type ResultPlaces } from '../records/file.ts';
import type { JsonObject } from '../records/json.ts';

/** What a message batch can show: Messages, and chat completions, which become Messages. */
const readableEndpoints = new Set<unknown>(['/v1/messages', '/v1/chat/completions']);

/** @throws InvalidInputError for a batch whose answers are no messages. */
export function assertReadableAsMessages({ endpoint, id }: BatchRecord): void {
  if (endpoint === null || readableEndpoints.has(endpoint)) return;
  const message = `The answers of ${id} are those of ${endpoint}, which are no messages. Read its output file: GET /v1/batches/${id} names it.`;
  throw new InvalidInputError('invalid_request', message);
}

type ResultFile = Pick<FileRecord, 'objects' | 'bytes' | 'expiresAt'>;

/** The files of a batch that has ended, as far as they are kept. */
export interface ResultFiles {
  output: ResultFile | null;
  errors: ResultFile | null;
}

/** @throws NotFoundError where a result file was deleted or has expired. */
export async function resultFiles(services: Services, batch: BatchRecord): Promise<ResultFiles> {
  const find = async (fileId: string | null): Promise<ResultFile | null> => {
    if (fileId === null) return null;
    const file = await services.records.findFile(fileId);
    if (file && !hasExpired(file, services.now())) return file;
    throw new NotFoundError('The results of this Message Batch are no longer available.');
  };
  return { output: await find(batch.outputFileId), errors: await find(batch.errorFileId) };
}

/**
 * The results of a batch as Anthropic gives them, `{custom_id, result}`, one line each, in the order of the input. Where the input
 * is no longer there, answers come first and failures after them.
 */
export class MessageResults {
  readonly #services: Services;
  readonly #batch: BatchRecord;
  readonly #input: LinesAhead;
  readonly #answers: LinesAhead;
  readonly #failures: LinesAhead;
  readonly #hasFiles: boolean;

  /** @param places where an earlier reading stopped; the beginning without them. */
  constructor(services: Services, batch: BatchRecord, { output, errors }: ResultFiles, places?: ResultPlaces) {
    const linesOf = (objects: readonly S3Object[], maxBytes: number, place: PlaceInLines | undefined) =>
      new LinesAhead((start) => streamFrom(services, objects, start), maxBytes, place);
    this.#services = services;
    this.#batch = batch;
    this.#hasFiles = output !== null || errors !== null;
    this.#input = linesOf(batch.table ? [] : batch.input, maxLineBytes, places?.input);
    this.#answers = linesOf(output?.objects ?? [], maxResultLineBytes, places?.output);
    this.#failures = linesOf(errors?.objects ?? [], maxResultLineBytes, places?.errors);
  }

  /** Where a reading goes on behind the line that was given last. */
  get places(): ResultPlaces {
    return { input: this.#input.place, output: this.#answers.place, errors: this.#failures.place };
  }

  async *lines(): AsyncGenerator<Buffer> {
    try {
      yield* this.#hasFiles ? this.#fromFiles() : this.#withoutFiles();
    } finally {
      await Promise.all([this.#input, this.#answers, this.#failures].map((lines) => lines.close()));
    }
  }

  async *#fromFiles(): AsyncGenerator<Buffer> {
    for await (const customId of this.#inputIds()) {
      const of = (await this.#answers.isNext(customId)) ? this.#answers : this.#failures;
      const isThere =
        of === this.#answers || (await this.#failures.isNext(customId)) || (await this.#failures.isNext(null));
      if (isThere) yield* resultsFrom(await of.take());
    }
    for (const results of [this.#answers, this.#failures])
      for (let next = await results.take(); next; next = await results.take()) yield* resultsFrom(next);
  }

  /** Every request of a batch that ended before anything was sent has the batch's own error. */
  async *#withoutFiles(): AsyncGenerator<Buffer> {
    const { errors, status, verdict } = this.#batch;
    const [first] = errors;
    const failure =
      status === 'cancelled' || verdict === 'dry_run'
        ? { code: 'batch_cancelled', message: 'Nothing was sent.' }
        : { code: first?.code ?? 'invalid_request', message: first?.message ?? 'The batch failed before it was sent.' };
    const result = JSON.stringify(nativeResult(failure));
    for await (const customId of this.#inputIds()) yield lineOf(JSON.stringify(customId), result);
  }

  /** The custom_ids of the input, as far as it can be read; null for a line without one. */
  async *#inputIds(): AsyncGenerator<string | null> {
    try {
      for (let next = await this.#input.take(); next; next = await this.#input.take()) yield next.customId;
    } catch (error) {
      if (!(error instanceof InvalidInputError || error instanceof NotFoundError)) throw error;
      // The input may be deleted, or replaced by its owner, once nothing needs it.
      this.#services.log.warn('The input of a batch cannot be read, so that its results have no order.', {
        batchId: this.#batch.id,
        error: error.name,
      });
    }
  }
}

function* resultsFrom(next: { line: Buffer | null } | null): Generator<Buffer> {
  if (next?.line) yield messageResult(next.line);
}

function customIdOf(line: Buffer): string | null {
  for (const { key, start, end } of membersOf(line))
    if (key === 'custom_id') return textOf(jsonText(line.toString('utf8', start, end)));
  return null;
}

function jsonText(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

async function* streamFrom(
  services: Services,
  objects: readonly S3Object[],
  start: number,
): AsyncGenerator<Uint8Array> {
  if (objects.length === 0) return;
  const { parts } = await resolveParts(services.objects, objects);
  yield* readPartsFrom(services.objects, parts, start);
}

/** A line of a file; without bytes where it is too long to be read. */
interface NextLine {
  lineNumber: number;
  line: Buffer | null;
  customId: string | null;
}

/** The lines of one file, of which the next one can be looked at before it is taken. */
class LinesAhead {
  readonly #lines: AsyncGenerator<NextLine>;
  readonly #maxBytes: number;
  /** Where those begin that came together with the next one. */
  #start: LinePosition;
  #nextLine: number;
  #next: NextLine | null = null;
  #hasEnded = false;

  /** @param open reads the file from a byte on. */
  constructor(
    open: (start: number) => AsyncGenerator<Uint8Array>,
    maxBytes: number,
    place: PlaceInLines = { ...fileStart, nextLine: fileStart.lineNumber },
  ) {
    const { nextLine, ...start } = place;
    this.#maxBytes = maxBytes;
    this.#start = start;
    this.#nextLine = nextLine;
    this.#lines = this.#read(open(start.byteOffset), start, nextLine);
  }

  /** Where the first line is that was not taken. */
  get place(): PlaceInLines {
    return { ...this.#start, nextLine: this.#nextLine };
  }

  async isNext(customId: string | null): Promise<boolean> {
    const next = await this.#look();
    return next !== null && next.customId === customId;
  }

  /** @returns null at the end. */
  async take(): Promise<NextLine | null> {
    const next = await this.#look();
    this.#next = null;
    if (next) this.#nextLine = next.lineNumber + 1;
    return next;
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }

  async #look(): Promise<NextLine | null> {
    if (this.#next || this.#hasEnded) return this.#next;
    const { value, done } = await this.#lines.next();
    if (done) this.#hasEnded = true;
    else this.#next = value;
    return this.#next;
  }

  async *#read(chunks: AsyncGenerator<Uint8Array>, start: LinePosition, first: number): AsyncGenerator<NextLine> {
    let begin = start;
    for await (const { lines, next } of splitLinesFrom(chunks, start, this.#maxBytes)) {
      this.#start = begin;
      for (const { lineNumber, bytes } of lines)
        if (lineNumber >= first) yield { lineNumber, line: bytes, customId: bytes && customIdOf(bytes) };
      begin = next;
    }
  }
}

/** A line of ours -> Anthropic's. What is in Anthropic's form already keeps its bytes. */
export function messageResult(line: Buffer): Buffer {
  const members = new Map(membersOf(line).map((member) => [member.key, member]));
  const rawOf = (name: string): string => {
    const member = members.get(name);
    return member ? line.toString('utf8', member.start, member.end) : 'null';
  };
  const customId = rawOf('custom_id');
  if (members.has('result')) return lineOf(customId, rawOf('result'));
  const result = objectFrom(line) ?? {};
  return lineOf(customId, JSON.stringify(resultFrom(line, result)));
}

function lineOf(customId: string, result: string): Buffer {
  return Buffer.from(`{"custom_id":${customId},"result":${result}}\n`);
}

function resultFrom(line: Buffer, result: JsonObject): object {
  const response = objectOf(result.response);
  if (response?.status_code === 200) return succeeded(line, objectOf(response.body) ?? {});
  const error = objectOf(result.error);
  if (response || !error) return erroredResult(result);
  return nativeResult({ code: textOf(error.code) ?? 'error', message: textOf(error.message) ?? '' });
}

function succeeded(line: Buffer, plain: JsonObject): object {
  const body = exactAnswer(line, ['response', 'body']) ?? plain;
  const message = body.type === 'message' ? body : messagesForm.answerFrom(body, usageFrom(plain));
  if (message) return { type: 'succeeded', message };
  const text = 'The answer is neither a message nor a chat completion. Read the output file of this batch.';
  return nativeResult({ code: 'not_a_message', message: text });
}
