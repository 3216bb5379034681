import type { BatchPaths, BatchWork, PlannedBatch, ResultSums } from '../batch-ledger.ts';
import { type BatchError, type BatchPlan, type BatchRecord, faultOf, type LineError } from '../batch-record.ts';
import { timelineOf } from '../batch-timeline.ts';
import { type FailedBodies, LineErrorDraw } from '../failed-bodies.ts';
import { lineMatches } from '../fault-plan.ts';
import type { JsonObject } from '../json.ts';
import { LineWriter, readLines } from '../jsonl-lines.ts';
import { ResultLineFaults } from '../result-line-faults.ts';
import { SeededRandom } from '../seeded-random.ts';
import { putText, upload } from './bucket.ts';
import type { Examiner } from './examination.ts';
import { examinerOfJob, inputName, outputPlace, termsOf } from './job-terms.ts';
import { maxRecords } from './limits.ts';
import { type RecordLine, recordFrom } from './record-line.ts';

const statusByLineError: Record<LineError, number> = { rate_limit: 429, server_error: 500, overloaded: 503 };

/** What Bedrock does with a job between its creation and its end. */
export function bedrockBatchWork(bodies: FailedBodies, minRecords: number): BatchWork {
  return {
    plan: (record, inputPath, signal) => planJob(record, inputPath, { bodies, minRecords }, signal),
    writeResults,
  };
}

/** Reads the input; one bad record fails the whole job. */
async function planJob(
  record: BatchRecord,
  inputPath: string,
  { bodies, minRecords }: { bodies: FailedBodies; minRecords: number },
  signal: AbortSignal,
): Promise<PlannedBatch> {
  const draw = new LineErrorDraw(record, bodies);
  const ids: string[] = [];
  const wrongLines: number[] = [];
  const refused = faultOf(record, 'refused_lines');
  for await (const { bytes, number } of readLines(inputPath, signal)) {
    const line = recordFrom(bytes.toString('utf8'), termsOf(record).modelId);
    if (!line || (refused && lineMatches(refused.match, line))) wrongLines.push(number);
    else draw.consider(ids.length, line, line.modelInput);
    ids.push(line?.customId ?? '');
  }
  return {
    customIds: ids,
    plan: {
      validatedAtMs: record.createdAtMs + record.timing.validatingMs,
      errors: complaints(record, ids.length, wrongLines, minRecords),
      model: termsOf(record).modelId,
      total: ids.length,
      failingPositions: [],
      struckLines: draw.finish(),
    },
  };
}

function complaints(record: BatchRecord, total: number, wrongLines: number[], minRecords: number): BatchError[] {
  const failed = faultOf(record, 'batch_failed');
  const [wrongLine] = wrongLines;
  return [
    ...(failed ? [complaint(failed.message)] : []),
    ...(total < minRecords
      ? [complaint(`Batch job contains less records (${total}) than the required minimum of: ${minRecords}`)]
      : []),
    ...(total > maxRecords ? [complaint(`Batch job contains more records than the maximum of: ${maxRecords}`)] : []),
    ...(wrongLine === undefined ? [] : [complaint(`Line ${wrongLine} of the input is no valid record`)]),
  ];
}

function complaint(message: string): BatchError {
  return { code: 'ValidationException', message, param: null, line: null };
}

/** Writes the output in the order of the input, and a manifest beside it. What was not reached is left out. */
async function writeResults(
  record: BatchRecord,
  plan: BatchPlan,
  paths: BatchPaths,
  signal: AbortSignal,
): Promise<ResultSums> {
  const { doneLines } = timelineOf(record, plan);
  const output = new OutputFile(record, await LineWriter.create(paths.output));
  const struck = new Map(plan.struckLines);
  let index = 0;
  for await (const { bytes } of readLines(paths.input, signal)) {
    if (index === doneLines) break;
    const line = recordFrom(bytes.toString('utf8'), termsOf(record).modelId);
    if (line) await output.write(line, struck.get(index));
    index += 1;
  }
  const sums = await output.close(plan.total - doneLines);
  if (doneLines > 0) await publish(record, paths.output, plan.total, sums);
  return sums;
}

async function publish(record: BatchRecord, path: string, total: number, sums: ResultSums): Promise<void> {
  await upload(path, outputPlace(record, `${inputName(record)}.out`));
  const manifest = {
    totalRecordCount: total,
    processedRecordCount: sums.succeeded + sums.errored,
    successRecordCount: sums.succeeded,
    errorRecordCount: sums.errored,
    inputTokenCount: sums.inputTokens,
    outputTokenCount: sums.outputTokens,
  };
  await putText(JSON.stringify(manifest), outputPlace(record, 'manifest.json.out'));
}

/** A job of one is refused. */
const noSuchModel: Examiner = () => ({ error: { status: 404, message: 'There is no such model.' } });

class OutputFile {
  readonly #record: BatchRecord;
  readonly #examine: Examiner;
  readonly #file: LineWriter;
  readonly #faults: ResultLineFaults;
  readonly #sums = { succeeded: 0, errored: 0, inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

  constructor(record: BatchRecord, file: LineWriter) {
    this.#record = record;
    this.#examine = examinerOfJob(termsOf(record)) ?? noSuchModel;
    this.#file = file;
    this.#faults = new ResultLineFaults(record);
  }

  async write(line: RecordLine, struck: LineError | undefined): Promise<void> {
    const outcome = this.#outcomeOf(line, struck);
    const { customId: recordId, modelInput } = line;
    const text = JSON.stringify({ recordId, modelInput, ...outcome });
    const asForeign = () => JSON.stringify({ recordId: 'SIMULATORFOREIGNLINE', modelInput, ...outcome });
    for (const written of this.#faults.apply(text, line, asForeign)) await this.#file.write(written);
  }

  async close(unfinished: number): Promise<ResultSums> {
    return { ...this.#sums, unfinished, outputBytes: await this.#file.close(), errorBytes: null };
  }

  #outcomeOf(line: RecordLine, struck: LineError | undefined): JsonObject {
    if (struck !== undefined) return this.#failure(statusByLineError[struck], 'The model could not be reached.');
    const examination = this.#examine(line.modelInput);
    if ('error' in examination) return this.#failure(examination.error.status, examination.error.message);
    const ids = new SeededRandom(`${this.#record.id} ${line.customId}`);
    const { output, usage } = examination.answer({ random: new SeededRandom(JSON.stringify(line.modelInput)), ids });
    this.#sums.succeeded += 1;
    this.#sums.inputTokens += usage.inputTokens;
    this.#sums.outputTokens += usage.outputTokens;
    this.#sums.reasoningTokens += usage.reasoningTokens;
    return { modelOutput: output };
  }

  #failure(errorCode: number, errorMessage: string): JsonObject {
    this.#sums.errored += 1;
    return { error: { errorCode, errorMessage } };
  }
}
