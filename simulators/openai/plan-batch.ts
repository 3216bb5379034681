import { existsSync } from 'node:fs';
import type { PlannedBatch } from '../batch-ledger.ts';
import { type BatchError, type BatchRecord, faultOf } from '../batch-record.ts';
import { type FailedBodies, LineErrorDraw } from '../failed-bodies.ts';
import { readLines } from '../jsonl-lines.ts';
import { positionsOf } from '../seeded-random.ts';
import { countEmbeddingInputs } from './embeddings.ts';
import type { InputValidation } from './validate-input.ts';
import type { WireDialect } from './wire-dialect.ts';

/** Reads a batch's whole input: validates it, and finds out which of its lines will fail. */
export async function planBatch(
  record: BatchRecord,
  inputPath: string,
  validation: InputValidation,
  { examine, limits }: Pick<WireDialect, 'examine' | 'limits'>,
  bodies: FailedBodies,
  signal: AbortSignal,
): Promise<PlannedBatch> {
  const draw = new LineErrorDraw(record, bodies);
  const failing = new Set<number>();
  let embeddingInputs = 0;
  const hasInput = existsSync(inputPath);
  for await (const stored of hasInput ? readLines(inputPath, signal) : []) {
    const line = validation.check(stored);
    if (line === null) continue;
    const index = validation.total - 1;
    draw.consider(index, line, line.body);
    if (record.endpoint === '/v1/embeddings') embeddingInputs += countEmbeddingInputs(line.body);
    if ('refusal' in examine(record.endpoint, line.body)) failing.add(index);
  }
  const struckLines = draw.finish();
  for (const [index] of struckLines) failing.add(index);
  return {
    customIds: validation.customIds,
    plan: {
      validatedAtMs: Math.max(record.createdAtMs + record.timing.validatingMs, Date.now()),
      errors: [
        ...orderedErrors(record),
        ...(hasInput ? validation.finish() : [missingInput(record)]),
        ...tooManyEmbeddings(embeddingInputs, limits.maxEmbeddingInputs),
      ],
      model: validation.model,
      total: validation.total,
      failingPositions: positionsOf(failing, record.id, validation.total),
      struckLines,
    },
  };
}

function orderedErrors(record: BatchRecord): BatchError[] {
  const fault = faultOf(record, 'batch_failed');
  return fault === undefined ? [] : [{ code: fault.code, message: fault.message, param: null, line: null }];
}

function missingInput(record: BatchRecord): BatchError {
  const message = `Cannot find file ${record.inputFileId}, please make sure it is uploaded with purpose 'batch'.`;
  return { code: 'invalid_request', message, param: 'file_id', line: null };
}

function tooManyEmbeddings(inputs: number, most: number | undefined): BatchError[] {
  if (most === undefined || inputs <= most) return [];
  const message = `This batch contains ${inputs} embedding inputs, which is more than the maximum of ${most}.`;
  return [{ code: 'too_many_tasks', message, param: null, line: null }];
}
