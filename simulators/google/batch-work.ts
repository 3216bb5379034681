import type { BatchWork, PlannedBatch, ResultSums } from '../batch-ledger.ts';
import { type BatchError, type BatchPlan, type BatchRecord, faultOf, type LineError } from '../batch-record.ts';
import { timelineOf } from '../batch-timeline.ts';
import { type FailedBodies, LineErrorDraw } from '../failed-bodies.ts';
import { lineMatches } from '../fault-plan.ts';
import type { JsonObject } from '../json.ts';
import { LineIndex, LineWriter, readLines } from '../jsonl-lines.ts';
import { ResultLineFaults } from '../result-line-faults.ts';
import { completionOrder, positionsOf, SeededRandom } from '../seeded-random.ts';
import { type RpcError, rpcError } from './error-reply.ts';
import type { Examination } from './generate-content.ts';
import { type StoredRequest, storedRequest } from './stored-line.ts';

/** What differs between Google's services in the work on a batch. */
export interface GoogleWork {
  /** The member of a line that names it. */
  idName: 'key' | 'custom_id';
  modelOf(record: BatchRecord): string;
  examine(line: StoredRequest, record: BatchRecord, ids: SeededRandom): Examination;
  /** A line of the output. */
  resultOf(line: StoredRequest, outcome: Examination): JsonObject;
  /** Whether what was done before a batch expired or was cancelled is kept. */
  keepsPartialWork: boolean;
}

const statusByLineError: Record<LineError, number> = { rate_limit: 429, server_error: 500, overloaded: 503 };

export function googleBatchWork(work: GoogleWork, bodies: FailedBodies): BatchWork {
  return {
    plan: (record, inputPath, signal) => planBatch(work, record, inputPath, bodies, signal),
    writeResults: (record, plan, paths, signal) => writeResults(work, record, plan, paths, signal),
  };
}

async function planBatch(
  work: GoogleWork,
  record: BatchRecord,
  inputPath: string,
  bodies: FailedBodies,
  signal: AbortSignal,
): Promise<PlannedBatch> {
  const draw = new LineErrorDraw(record, bodies);
  const customIds: string[] = [];
  const errors: BatchError[] = [];
  const failing = new Set<number>();
  const model = work.modelOf(record);
  for await (const { bytes, number } of readLines(inputPath, signal)) {
    const line = storedRequest(bytes.toString('utf8'), work.idName, model);
    if (line === null || line.customId === '') {
      errors.push(batchError(`Line ${number} of the input is not of the form {${work.idName}, request}.`));
      continue;
    }
    if (isRefused(record, line)) errors.push(batchError('The input is not valid.'));
    const index = customIds.length;
    draw.consider(index, line, line.request);
    customIds.push(line.customId);
    if ('error' in work.examine(line, record, new SeededRandom(line.customId))) failing.add(index);
  }
  if (customIds.length === 0) errors.push(batchError('The input has no requests.'));
  const struckLines = draw.finish();
  for (const [index] of struckLines) failing.add(index);
  return {
    customIds,
    plan: {
      validatedAtMs: Math.max(record.createdAtMs + record.timing.validatingMs, Date.now()),
      errors: [...orderedErrors(record), ...errors.slice(0, 1)],
      model,
      total: customIds.length,
      failingPositions: positionsOf(failing, record.id, customIds.length),
      struckLines,
    },
  };
}

function isRefused(record: BatchRecord, line: StoredRequest): boolean {
  const fault = faultOf(record, 'refused_lines');
  return fault !== undefined && lineMatches(fault.match, line);
}

function batchError(message: string): BatchError {
  return { code: 'INVALID_ARGUMENT', message, param: null, line: null };
}

function orderedErrors(record: BatchRecord): BatchError[] {
  const fault = faultOf(record, 'batch_failed');
  return fault === undefined ? [] : [{ code: fault.code, message: fault.message, param: null, line: null }];
}

/** Writes the results of the lines that are done; the others have none. Holds one answer at a time. */
async function writeResults(
  work: GoogleWork,
  record: BatchRecord,
  plan: BatchPlan,
  paths: { input: string; output: string },
  signal: AbortSignal,
): Promise<ResultSums> {
  const { ending, doneLines, workStartsAtMs } = timelineOf(record, plan);
  if (ending === 'failed' || workStartsAtMs === null) return noResults;
  if (ending !== 'completed' && !work.keepsPartialWork) return noResults;
  const results = new ResultFile(work, record, await LineWriter.create(paths.output));
  const lines = await LineIndex.open(paths.input, signal);
  const struck = new Map(plan.struckLines);
  try {
    const done = completionOrder(record.id, plan.total).subarray(0, doneLines);
    for await (const { index, text } of lines.inOrder(done)) {
      signal.throwIfAborted();
      const line = storedRequest(text, work.idName, work.modelOf(record));
      if (line === null) throw new Error('a validated line is no longer valid');
      await results.write(line, struck.get(index));
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

class ResultFile {
  readonly #work: GoogleWork;
  readonly #record: BatchRecord;
  readonly #file: LineWriter;
  readonly #faults: ResultLineFaults;
  readonly #sums = { ...noResults };

  constructor(work: GoogleWork, record: BatchRecord, file: LineWriter) {
    this.#work = work;
    this.#record = record;
    this.#file = file;
    this.#faults = new ResultLineFaults(record);
  }

  async write(line: StoredRequest, struck: LineError | undefined): Promise<void> {
    const outcome = this.#outcomeOf(line, struck);
    if ('error' in outcome) this.#sums.errored += 1;
    else {
      this.#sums.succeeded += 1;
      this.#sums.inputTokens += outcome.usage.inputTokens;
      this.#sums.outputTokens += outcome.usage.outputTokens;
      this.#sums.reasoningTokens += outcome.usage.reasoningTokens;
    }
    const result = this.#work.resultOf(line, outcome);
    const asForeign = () => JSON.stringify({ ...result, [this.#work.idName]: 'simulator_foreign_line' });
    for (const text of this.#faults.apply(JSON.stringify(result), line, asForeign)) await this.#file.write(text);
  }

  async close(): Promise<ResultSums> {
    return { ...this.#sums, outputBytes: await this.#file.close() };
  }

  #outcomeOf(line: StoredRequest, struck: LineError | undefined): Examination {
    if (struck !== undefined) return { error: rpcError(statusByLineError[struck]) satisfies RpcError };
    return this.#work.examine(line, this.#record, new SeededRandom(`${this.#record.id} ${line.customId}`));
  }
}
