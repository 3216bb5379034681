import type { BatchPaths, ResultSums } from '../batch-ledger.ts';
import type { BatchPlan, BatchRecord, LineError } from '../batch-record.ts';
import { timelineOf } from '../batch-timeline.ts';
import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import { LineIndex, LineWriter } from '../jsonl-lines.ts';
import { ResultLineFaults } from '../result-line-faults.ts';
import { completionOrder, SeededRandom } from '../seeded-random.ts';
import { errorOfStatus } from './error-reply.ts';
import type { Answer, LineRefusal } from './examination.ts';
import type { RequestLine } from './validate-input.ts';
import type { WireDialect } from './wire-dialect.ts';

const statusByLineError: Record<LineError, number> = { rate_limit: 429, server_error: 500, overloaded: 503 };

type ResultRules = Pick<WireDialect, 'examine' | 'errorBody' | 'writesUnfinished' | 'writesEmptyErrorFile'>;

/** Writes a batch's output and error file in the order of completion; holds one answer at a time. */
export async function writeResults(
  record: BatchRecord,
  plan: BatchPlan,
  paths: BatchPaths,
  signal: AbortSignal,
  rules: ResultRules,
): Promise<ResultSums> {
  const results = new ResultFiles(record, paths, rules);
  const { doneLines, ending, workStartsAtMs } = timelineOf(record, plan);
  if (ending === 'failed' || workStartsAtMs === null) return results.close();
  const struck = new Map(plan.struckLines);
  const lines = await LineIndex.open(paths.input, signal);
  try {
    for await (const { position, index, text } of lines.inOrder(completionOrder(record.id, plan.total))) {
      signal.throwIfAborted();
      const line = parseLine(text, record.model);
      const ids = new SeededRandom(`${record.id} ${line.customId}`);
      if (position >= doneLines) await results.writeUnfinished(line, ids, ending === 'expired');
      else await runLine(results, rules, { record, line, ids, struck: struck.get(index), startedAtMs: workStartsAtMs });
    }
  } finally {
    await lines.close();
  }
  if (rules.writesEmptyErrorFile) await results.openErrors();
  return results.close();
}

interface LineRun {
  record: BatchRecord;
  line: RequestLine;
  ids: SeededRandom;
  struck: LineError | undefined;
  startedAtMs: number;
}

async function runLine(results: ResultFiles, { examine }: ResultRules, run: LineRun): Promise<void> {
  const { record, line, ids, struck, startedAtMs } = run;
  if (struck !== undefined) {
    const status = statusByLineError[struck];
    return results.writeRefusal(line, ids, { status, error: errorOfStatus(status) });
  }
  const examination = examine(record.endpoint, line.body);
  if ('refusal' in examination) return results.writeRefusal(line, ids, examination.refusal);
  const answer = examination.answer({
    random: new SeededRandom(JSON.stringify(line.body)),
    ids,
    createdSeconds: Math.floor(startedAtMs / 1000),
  });
  return results.writeAnswer(line, ids, answer);
}

/** The two result files, each made with its first line. */
class ResultFiles {
  readonly #paths: BatchPaths;
  readonly #rules: ResultRules;
  readonly #faults: ResultLineFaults;
  #output: LineWriter | null = null;
  #errors: LineWriter | null = null;
  readonly #sums = {
    succeeded: 0,
    errored: 0,
    unfinished: 0,
    inputTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  };

  constructor(record: BatchRecord, paths: BatchPaths, rules: ResultRules) {
    this.#paths = paths;
    this.#rules = rules;
    this.#faults = new ResultLineFaults(record);
  }

  async writeAnswer(line: RequestLine, ids: SeededRandom, answer: Answer): Promise<void> {
    this.#sums.succeeded += 1;
    this.#sums.inputTokens += answer.usage.inputTokens;
    this.#sums.cachedTokens += answer.usage.cachedTokens;
    this.#sums.outputTokens += answer.usage.outputTokens;
    this.#sums.reasoningTokens += answer.usage.reasoningTokens;
    this.#output ??= await LineWriter.create(this.#paths.output);
    await this.#write(this.#output, line, { ...resultOf(line, ids, 200, answer.body), error: null });
  }

  async writeRefusal(line: RequestLine, ids: SeededRandom, refusal: LineRefusal): Promise<void> {
    this.#sums.errored += 1;
    this.#errors ??= await LineWriter.create(this.#paths.errors);
    const result = resultOf(line, ids, refusal.status, this.#rules.errorBody({ ...refusal.error }));
    await this.#write(this.#errors, line, { ...result, error: null });
  }

  /** A line that never ran: no response, and an error that says why. */
  async writeUnfinished(line: RequestLine, ids: SeededRandom, hasExpired: boolean): Promise<void> {
    this.#sums.unfinished += 1;
    if (!this.#rules.writesUnfinished) return;
    this.#errors ??= await LineWriter.create(this.#paths.errors);
    const error = hasExpired
      ? {
          code: 'batch_expired',
          message: 'This request could not be executed before the completion window expired.',
        }
      : { code: 'batch_cancelled', message: 'This request was not executed because the batch was cancelled.' };
    const id = `batch_req_${ids.hex(32)}`;
    await this.#write(this.#errors, line, { id, custom_id: line.customId, response: null, error });
  }

  async openErrors(): Promise<void> {
    this.#errors ??= await LineWriter.create(this.#paths.errors);
  }

  async close() {
    return {
      ...this.#sums,
      outputBytes: this.#output === null ? null : await this.#output.close(),
      errorBytes: this.#errors === null ? null : await this.#errors.close(),
    };
  }

  async #write(file: LineWriter, line: RequestLine, result: JsonObject): Promise<void> {
    const asForeign = () => JSON.stringify({ ...result, id: 'batch_req_foreign', custom_id: 'simulator_foreign_line' });
    for (const text of this.#faults.apply(JSON.stringify(result), line, asForeign)) await file.write(text);
  }
}

function resultOf(line: RequestLine, ids: SeededRandom, statusCode: number, body: JsonObject): JsonObject {
  return {
    id: `batch_req_${ids.hex(32)}`,
    custom_id: line.customId,
    response: { status_code: statusCode, request_id: ids.hex(32), body },
  };
}

/** The input was validated before: a line that is not of this shape now is a bug. */
function parseLine(text: string, batchModel: string | undefined): RequestLine {
  const parsed = parseJson(text);
  if (!isJsonObject(parsed) || !isJsonObject(parsed.body)) throw new Error('a validated line is no longer valid');
  const body = parsed.body;
  return { customId: String(parsed.custom_id), model: batchModel ?? String(body.model), text, body };
}
