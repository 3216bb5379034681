import type { BatchWork, PlannedBatch } from '../batch-ledger.ts';
import type { StruckBodies } from '../struck-bodies.ts';
import { planBatch } from './plan-batch.ts';
import { writeResults } from './write-results.ts';

/** What OpenAI does with a batch between its creation and its end. */
export function openAIBatchWork(bodies: StruckBodies): BatchWork {
  return {
    plan: (record, inputPath, signal): Promise<PlannedBatch> => planBatch(record, inputPath, bodies, signal),
    writeResults,
  };
}
