import type { BatchWork, PlannedBatch } from '../batch-ledger.ts';
import type { FailedBodies } from '../failed-bodies.ts';
import { planBatch } from './plan-batch.ts';
import { InputValidation } from './validate-input.ts';
import type { WireDialect } from './wire-dialect.ts';
import { writeResults } from './write-results.ts';

/** What OpenAI, or a service like it, does with a batch between its creation and its end. */
export function openAIBatchWork(bodies: FailedBodies, wire: WireDialect): BatchWork {
  return {
    plan: (record, inputPath, signal): Promise<PlannedBatch> =>
      planBatch(record, inputPath, new InputValidation(record, wire), wire, bodies, signal),
    writeResults: (record, plan, paths, signal) => writeResults(record, plan, paths, signal, wire),
  };
}
