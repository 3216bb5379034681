import type { BatchLedger } from './batch-ledger.ts';
import type { BatchRecord } from './batch-record.ts';
import type { CreationRecord, Simulator } from './simulator.ts';

type CreationLog = Pick<Simulator, 'creations' | 'openBatches'>;

/**
 * What was created, and what of it still runs.
 *
 * The stored batches are the log: a creation is in it from the moment it is accepted, whatever happens next.
 *
 * @param nameOf a batch's name in the API, where that is not its id alone.
 */
export function creationLog(
  ledger: BatchLedger,
  provider: CreationRecord['provider'],
  nameOf: (record: BatchRecord) => string = ({ id }) => id,
): CreationLog {
  return {
    creations: () => readCreations(ledger, provider, nameOf),
    openBatches: () => readOpenBatches(ledger, nameOf),
  };
}

/** Oldest first: those whose answer never arrived, and those deleted since, included. */
async function readCreations(
  ledger: BatchLedger,
  provider: CreationRecord['provider'],
  nameOf: (record: BatchRecord) => string,
): Promise<CreationRecord[]> {
  const creations: CreationRecord[] = [];
  for (const record of ledger.newestFirst().reverse()) {
    creations.push({
      provider,
      providerBatchId: nameOf(record),
      createdAtMs: record.createdAtMs,
      requestIds: await ledger.customIds(record),
      endedAtMs: await ledger.endedAtMs(record),
      hasFailed: await ledger.hasFailed(record),
    });
  }
  return creations;
}

/** Oldest first. */
async function readOpenBatches(ledger: BatchLedger, nameOf: (record: BatchRecord) => string): Promise<string[]> {
  const open: string[] = [];
  for (const record of ledger.newestFirst().reverse()) {
    if ((await ledger.endedAtMs(record)) === null) open.push(nameOf(record));
  }
  return open;
}
