import type { BatchLedger } from './batch-ledger.ts';
import type { CreationRecord } from './simulator.ts';

/**
 * Every accepted creation, oldest first: those whose answer never arrived, and those deleted since, included.
 *
 * The stored batches are the log: a creation is in it from the moment it is accepted, whatever happens next.
 */
export async function readCreations(
  ledger: BatchLedger,
  provider: CreationRecord['provider'],
): Promise<CreationRecord[]> {
  const creations: CreationRecord[] = [];
  for (const record of ledger.newestFirst().reverse()) {
    creations.push({
      provider,
      providerBatchId: record.id,
      createdAtMs: record.createdAtMs,
      requestIds: await ledger.customIds(record),
      endedAtMs: await ledger.endedAtMs(record),
      hasFailed: await ledger.hasFailed(record),
    });
  }
  return creations;
}

/** Ids of the batches that may still work on lines, oldest first. */
export async function readOpenBatches(ledger: BatchLedger): Promise<string[]> {
  const open: string[] = [];
  for (const record of ledger.newestFirst().reverse()) {
    if ((await ledger.endedAtMs(record)) === null) open.push(record.id);
  }
  return open;
}
