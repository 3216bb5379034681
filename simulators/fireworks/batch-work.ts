import type { BatchPaths, BatchWork, PlannedBatch, ResultSums } from '../batch-ledger.ts';
import { type BatchError, type BatchPlan, type BatchRecord, faultOf, type LineError } from '../batch-record.ts';
import { timelineOf } from '../batch-timeline.ts';
import { type FailedBodies, LineErrorDraw } from '../failed-bodies.ts';
import { lineMatches } from '../fault-plan.ts';
import type { JsonObject } from '../json.ts';
import { LineIndex, LineWriter, readLines } from '../jsonl-lines.ts';
import { errorOfStatus } from '../openai/error-reply.ts';
import type { LineRefusal } from '../openai/examination.ts';
import { ResultLineFaults } from '../result-line-faults.ts';
import { completionOrder, positionsOf, SeededRandom } from '../seeded-random.ts';
import { type ChatLine, examineLine, readChatLine } from './chat-line.ts';
import { inferenceCode } from './error-reply.ts';

const statusByLineError: Record<LineError, number> = { rate_limit: 429, server_error: 500, overloaded: 503 };

/** What Fireworks does with a job between its creation and its end. */
export function fireworksBatchWork(bodies: FailedBodies): BatchWork {
  return {
    plan: (record, inputPath, signal) => planJob(record, inputPath, bodies, signal),
    writeResults,
  };
}

/** One bad line fails the whole job. */
async function planJob(
  record: BatchRecord,
  inputPath: string,
  bodies: FailedBodies,
  signal: AbortSignal,
): Promise<PlannedBatch> {
  const draw = new LineErrorDraw(record, bodies);
  const customIds = new Set<string>();
  const errors: BatchError[] = [];
  const failing = new Set<number>();
  for await (const { bytes, number } of readLines(inputPath, signal)) {
    const line = readChatLine(bytes.toString('utf8'), record.model ?? '');
    const complaint = 'complaint' in line ? line.complaint : complaintAbout(record, line, customIds);
    if ('complaint' in line || complaint !== null) {
      errors.push(datasetError(`chat dataset validation failed on input.jsonl:${number}: ${complaint}`));
      continue;
    }
    const index = customIds.size;
    customIds.add(line.customId);
    draw.consider(index, line, line.body);
    if ('refusal' in examineLine(line.body, line.model)) failing.add(index);
  }
  if (customIds.size === 0) errors.push(datasetError('the dataset is empty'));
  const struckLines = draw.finish();
  for (const [index] of struckLines) failing.add(index);
  return {
    customIds: [...customIds],
    plan: {
      validatedAtMs: Math.max(record.createdAtMs + record.timing.validatingMs, Date.now()),
      errors: [...orderedErrors(record), ...errors.slice(0, 1)],
      model: record.model ?? null,
      total: customIds.size,
      failingPositions: positionsOf(failing, record.id, customIds.size),
      struckLines,
    },
  };
}

function complaintAbout(record: BatchRecord, line: ChatLine, seen: ReadonlySet<string>): string | null {
  const refused = faultOf(record, 'refused_lines');
  if (refused && lineMatches(refused.match, line)) return 'the request is not valid';
  return seen.has(line.customId) ? `custom_id "${line.customId}" is not unique` : null;
}

function datasetError(message: string): BatchError {
  return { code: 'INVALID_ARGUMENT', message: `Dataset has a syntax error: ${message}`, param: null, line: null };
}

function orderedErrors(record: BatchRecord): BatchError[] {
  const fault = faultOf(record, 'batch_failed');
  return fault === undefined ? [] : [{ code: fault.code, message: fault.message, param: null, line: null }];
}

/** What an expired job has done is kept; of a deleted one nothing is. Lines that never ran have no row. */
async function writeResults(
  record: BatchRecord,
  plan: BatchPlan,
  paths: BatchPaths,
  signal: AbortSignal,
): Promise<ResultSums> {
  const { ending, doneLines, workStartsAtMs } = timelineOf(record, plan);
  if (workStartsAtMs === null || ending === 'failed' || ending === 'cancelled') return noResults;
  const results = await ResultFiles.create(record, paths);
  const struck = new Map(plan.struckLines);
  const lines = await LineIndex.open(paths.input, signal);
  try {
    const done = completionOrder(record.id, plan.total).subarray(0, doneLines);
    for await (const { index, text } of lines.inOrder(done)) {
      signal.throwIfAborted();
      const line = readChatLine(text, record.model ?? '');
      if ('complaint' in line) throw new Error('a validated line is no longer valid');
      await results.write(line, struck.get(index), Math.floor(workStartsAtMs / 1000));
    }
  } finally {
    await lines.close();
  }
  return results.close();
}

const noResults: ResultSums = {
  succeeded: 0,
  errored: 0,
  unfinished: 0,
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  outputBytes: null,
  errorBytes: null,
};

/** The answers, and the failures; both files are there, however empty. */
class ResultFiles {
  readonly #record: BatchRecord;
  readonly #output: LineWriter;
  readonly #errors: LineWriter;
  readonly #faults: ResultLineFaults;
  readonly #sums = { ...noResults };

  private constructor(record: BatchRecord, output: LineWriter, errors: LineWriter) {
    this.#record = record;
    this.#output = output;
    this.#errors = errors;
    this.#faults = new ResultLineFaults(record);
  }

  static async create(record: BatchRecord, paths: BatchPaths): Promise<ResultFiles> {
    return new ResultFiles(record, await LineWriter.create(paths.output), await LineWriter.create(paths.errors));
  }

  async write(line: ChatLine, struck: LineError | undefined, createdSeconds: number): Promise<void> {
    if (struck !== undefined) return this.#writeRefusal(line, refusalOf(struck));
    const examination = examineLine(line.body, line.model);
    if ('refusal' in examination) return this.#writeRefusal(line, examination.refusal);
    const { body, usage } = examination.answer({
      random: new SeededRandom(JSON.stringify(line.body)),
      ids: new SeededRandom(`${this.#record.id} ${line.customId}`),
      createdSeconds,
    });
    this.#sums.succeeded += 1;
    this.#sums.inputTokens += usage.inputTokens;
    this.#sums.outputTokens += usage.outputTokens;
    return this.#write(this.#output, line, { custom_id: line.customId, response: body });
  }

  async close(): Promise<ResultSums> {
    return { ...this.#sums, outputBytes: await this.#output.close(), errorBytes: await this.#errors.close() };
  }

  /** The form of such a row is in no public document: only that it has the custom_id and the error's details. */
  async #writeRefusal(line: ChatLine, { status, error }: LineRefusal): Promise<void> {
    this.#sums.errored += 1;
    const row = { custom_id: line.customId, error: { message: error.message, code: inferenceCode(status) } };
    return this.#write(this.#errors, line, row);
  }

  async #write(file: LineWriter, line: ChatLine, row: JsonObject): Promise<void> {
    const asForeign = () => JSON.stringify({ ...row, custom_id: 'simulator_foreign_line' });
    for (const text of this.#faults.apply(JSON.stringify(row), line, asForeign)) await file.write(text);
  }
}

function refusalOf(struck: LineError): LineRefusal {
  const status = statusByLineError[struck];
  return { status, error: errorOfStatus(status) };
}
