import type { BatchLedger } from '../batch-ledger.ts';
import type { BatchRecord } from '../batch-record.ts';
import type { FaultPlan, FaultSubject } from '../fault-plan.ts';
import { inputSubject } from '../openai/batch-subject.ts';
import type { Timing } from '../simulator.ts';
import type { DatasetStore } from './dataset-store.ts';
import type { SignedUrls } from './signed-urls.ts';

/** What the routes work on. */
export interface FireworksBackend {
  ledger: BatchLedger;
  datasets: DatasetStore;
  faultPlan: FaultPlan;
  signedUrls: SignedUrls;
  timing: Timing;
  /** Folder for uploads that are not accepted yet. */
  uploadFolder: string;
}

/** The one endpoint of batches. */
export const endpoint = '/v1/chat/completions';

/** A batch as faults look at it. */
export function subjectOf({ ledger }: FireworksBackend, record: BatchRecord): FaultSubject {
  return inputSubject(endpoint, ledger.paths(record.id).input, record.model);
}
