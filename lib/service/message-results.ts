import { exactAnswer } from '../lines/exact-body.ts';
import { objectFrom, objectOf, textOf } from '../lines/foreign-json.ts';
import { membersOf, startOfMember } from '../lines/json-spans.ts';
import { splitLines } from '../lines/jsonl.ts';
import { maxResultLineBytes, nativeResult } from '../lines/result-line.ts';
import { readPartsFrom, resolveParts } from '../pipeline/joined-objects.ts';
import type { Services } from '../pipeline/services.ts';
import { usageFrom } from '../providers/openai-family/result.ts';
import { erroredResult } from '../providers/shared/forms/answer-in-form.ts';
import { messagesForm } from '../providers/shared/forms/messages/form.ts';
import type { BatchRecord, S3Object } from '../records/batch.ts';
import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { type FileRecord, hasExpired } from '../records/file.ts';
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

/** Whether the first line of each result file is `{custom_id, result}`, and not in OpenAI's wrapping. */
export async function beginsInAnthropicsForm(services: Services, { output, errors }: ResultFiles): Promise<boolean> {
  for (const file of [output, errors]) {
    const first = file && (await linesOf(stream(services, file.objects)).next());
    if (first && !first.done && startOfMember(first.value, 'result') === null) return false;
  }
  return true;
}

/**
 * The results of a batch as Anthropic gives them, `{custom_id, result}`, one line each, in the order of the input. Where the input
 * is no longer there, answers come first and failures after them.
 */
export async function* messageResults(
  services: Services,
  batch: BatchRecord,
  { output, errors }: ResultFiles,
): AsyncGenerator<Buffer> {
  if (!output && !errors) {
    yield* resultsWithoutFiles(services, batch);
    return;
  }
  const answers = new LinesAhead(output ? stream(services, output.objects) : nothing());
  const failures = new LinesAhead(errors ? stream(services, errors.objects) : nothing());
  try {
    for await (const customId of inputIds(services, batch)) {
      const of = (await answers.isNext(customId)) ? answers : failures;
      if (of === answers || (await failures.isNext(customId)) || (await failures.isNext(null))) yield* of.take();
    }
    yield* answers.takeAll();
    yield* failures.takeAll();
  } finally {
    await Promise.all([answers.close(), failures.close()]);
  }
}

/** Every request of a batch that ended before anything was sent has the batch's own error. */
async function* resultsWithoutFiles(services: Services, batch: BatchRecord): AsyncGenerator<Buffer> {
  const [first] = batch.errors;
  const failure =
    batch.status === 'cancelled' || batch.verdict === 'dry_run'
      ? { code: 'batch_cancelled', message: 'Nothing was sent.' }
      : { code: first?.code ?? 'invalid_request', message: first?.message ?? 'The batch failed before it was sent.' };
  for await (const customId of inputIds(services, batch))
    yield lineOf(JSON.stringify(customId), JSON.stringify(nativeResult(failure)));
}

/** The custom_ids of the input, as far as it can be read; null for a line without one. */
async function* inputIds(services: Services, batch: BatchRecord): AsyncGenerator<string | null> {
  try {
    for await (const lines of splitLines(stream(services, batch.input)))
      for (const line of lines) yield line.bytes ? customIdOf(line.bytes) : null;
  } catch (error) {
    // The input may be deleted, or replaced by its owner, once nothing needs it.
    services.log.warn('The input of a batch cannot be read, so that its results have no order.', {
      batchId: batch.id,
      error: error instanceof Error ? error.name : 'Error',
    });
  }
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

async function* stream(services: Services, objects: readonly S3Object[]): AsyncGenerator<Uint8Array> {
  const { parts } = await resolveParts(services.objects, objects);
  yield* readPartsFrom(services.objects, parts, 0);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The lines of one result file, of which the next one can be looked at before it is taken. */
class LinesAhead {
  readonly #lines: AsyncGenerator<Buffer>;
  #next: { line: Buffer; customId: string | null } | null = null;
  #hasEnded = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#lines = linesOf(chunks);
  }

  async isNext(customId: string | null): Promise<boolean> {
    const next = await this.#look();
    return next !== null && next.customId === customId;
  }

  async *take(): AsyncGenerator<Buffer> {
    const next = await this.#look();
    this.#next = null;
    if (next) yield messageResult(next.line);
  }

  async *takeAll(): AsyncGenerator<Buffer> {
    while (await this.#look()) yield* this.take();
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }

  async #look(): Promise<{ line: Buffer; customId: string | null } | null> {
    if (this.#next || this.#hasEnded) return this.#next;
    const { value, done } = await this.#lines.next();
    if (done) this.#hasEnded = true;
    else this.#next = { line: value, customId: customIdOf(value) };
    return this.#next;
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const lines of splitLines(chunks, maxResultLineBytes))
    for (const { bytes } of lines) if (bytes) yield bytes;
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
