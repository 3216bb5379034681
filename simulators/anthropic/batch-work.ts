import type { BatchPaths, BatchWork, PlannedBatch, ResultSums } from '../batch-ledger.ts';
import { type BatchPlan, type BatchRecord, faultOf, type LineError } from '../batch-record.ts';
import { timelineOf } from '../batch-timeline.ts';
import { type FailedBodies, LineErrorDraw } from '../failed-bodies.ts';
import type { JsonObject } from '../json.ts';
import { LineIndex, LineWriter, readLines } from '../jsonl-lines.ts';
import { ResultLineFaults } from '../result-line-faults.ts';
import { completionOrder, SeededRandom } from '../seeded-random.ts';
import { type AnthropicError, errorOfStatus } from './error-reply.ts';
import { examineMessage } from './messages.ts';
import { parseRequestLine, type RequestLine } from './request-line.ts';

const statusByLineError: Record<LineError, number> = { rate_limit: 429, server_error: 500, overloaded: 529 };

/** What Anthropic does with a batch between its creation and its end. */
export function anthropicBatchWork(bodies: FailedBodies): BatchWork {
  return {
    plan: (record, inputPath, signal) => planBatch(record, inputPath, bodies, signal),
    writeResults,
  };
}

/** Nothing is validated before the batch runs; the plan only says how many lines there are, and which are struck. */
async function planBatch(
  record: BatchRecord,
  inputPath: string,
  bodies: FailedBodies,
  signal: AbortSignal,
): Promise<PlannedBatch> {
  const draw = new LineErrorDraw(record, bodies);
  const customIds: string[] = [];
  for await (const { bytes } of readLines(inputPath, signal)) {
    const line = parseRequestLine(bytes.toString('utf8'));
    draw.consider(customIds.length, line, line.params);
    customIds.push(line.customId);
  }
  return {
    customIds,
    plan: {
      validatedAtMs: record.createdAtMs + record.timing.validatingMs,
      errors: [],
      model: null,
      total: customIds.length,
      failingPositions: [],
      struckLines: draw.finish(),
    },
  };
}

/** Writes a batch's results in the order of completion; holds one answer at a time. */
async function writeResults(
  record: BatchRecord,
  plan: BatchPlan,
  paths: BatchPaths,
  signal: AbortSignal,
): Promise<ResultSums> {
  const { doneLines, ending } = timelineOf(record, plan);
  const results = new ResultFile(record, await LineWriter.create(paths.output));
  const lines = await LineIndex.open(paths.input, signal);
  const struck = new Map(plan.struckLines);
  try {
    for await (const { position, index, text } of lines.inOrder(completionOrder(record.id, plan.total))) {
      signal.throwIfAborted();
      const line = parseRequestLine(text);
      if (position >= doneLines) await results.writeUnfinished(line, ending === 'expired' ? 'expired' : 'canceled');
      else await results.writeOutcome(line, struck.get(index));
    }
  } finally {
    await lines.close();
  }
  return results.close();
}

class ResultFile {
  readonly #record: BatchRecord;
  readonly #file: LineWriter;
  readonly #faults: ResultLineFaults;
  readonly #sums = {
    succeeded: 0,
    errored: 0,
    unfinished: 0,
    inputTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  };

  constructor(record: BatchRecord, file: LineWriter) {
    this.#record = record;
    this.#file = file;
    this.#faults = new ResultLineFaults(record);
  }

  async writeOutcome(line: RequestLine, struck: LineError | undefined): Promise<void> {
    const ids = new SeededRandom(`${this.#record.id} ${line.customId}`);
    const outcome = this.#outcomeOf(line, struck);
    if ('error' in outcome) {
      this.#sums.errored += 1;
      const error = { type: 'error', error: outcome.error, request_id: `req_011C${ids.base62(20)}` };
      await this.#write(line, { type: 'errored', error });
      return;
    }
    const { message, usage } = outcome.answer({ random: new SeededRandom(JSON.stringify(line.params)), ids });
    this.#sums.succeeded += 1;
    this.#sums.inputTokens += usage.inputTokens;
    this.#sums.outputTokens += usage.outputTokens;
    this.#sums.reasoningTokens += usage.reasoningTokens;
    await this.#write(line, { type: 'succeeded', message });
  }

  async writeUnfinished(line: RequestLine, type: 'expired' | 'canceled'): Promise<void> {
    this.#sums.unfinished += 1;
    await this.#write(line, { type });
  }

  async close(): Promise<ResultSums> {
    return { ...this.#sums, outputBytes: await this.#file.close(), errorBytes: null };
  }

  #outcomeOf(line: RequestLine, struck: LineError | undefined) {
    const failed = faultOf(this.#record, 'batch_failed');
    if (failed !== undefined) return { error: { type: failed.code, message: failed.message } satisfies AnthropicError };
    if (struck !== undefined) return { error: errorOfStatus(statusByLineError[struck]) };
    return examineMessage(line.params, this.#record.apiVersion ?? '');
  }

  async #write(line: RequestLine, result: JsonObject): Promise<void> {
    const asForeign = () => JSON.stringify({ custom_id: 'simulator_foreign_line', result });
    const text = JSON.stringify({ custom_id: line.customId, result });
    for (const written of this.#faults.apply(text, line, asForeign)) await this.#file.write(written);
  }
}
