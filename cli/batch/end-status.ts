import { type ExitStatus, exitStatus } from '../exit-status.ts';
import type { BatchState } from '../transport/batch-state.ts';

/** What a batch's state says to the shell; one that has not ended has nothing to complain about yet. */
export function endStatus(state: BatchState): ExitStatus {
  switch (state.status) {
    case 'completed':
      return hasFailures(state) ? exitStatus.someFailed : exitStatus.succeeded;
    case 'failed':
    case 'expired':
    case 'cancelled':
      return exitStatus.batchFailed;
    case 'refused':
      return exitStatus.invalid;
    default:
      return exitStatus.succeeded;
  }
}

/** A dry run has no failed requests, but may have found some that would. */
function hasFailures({ counts, isDryRun, validation }: BatchState): boolean {
  return counts.failed > 0 || (isDryRun && (validation?.invalidLines ?? 0) > 0);
}
