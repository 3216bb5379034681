import { printable } from '../output/printable.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';

export interface Step {
  does: string;
  command: string;
}

/** The commands that make sense now. */
export function nextSteps(state: BatchState): Step[] {
  const handle = printable(state.handle);
  if (state.status === 'cancelling')
    return [{ does: 'Wait for what finishes all the same', command: `batchdrop wait ${handle}` }];
  if (!hasBatchEnded(state))
    return [
      { does: 'Wait for its end', command: `batchdrop wait ${handle}` },
      { does: 'See where it is', command: `batchdrop explain ${handle}` },
    ];
  if (state.isDryRun) return [{ does: 'Run it', command: 'batchdrop submit FILE --wait' }];
  return [...results(state, handle), ...repair(state, handle)];
}

function results(state: BatchState, handle: string): Step[] {
  if (state.output === null) return [];
  const isWhole = state.status === 'completed';
  return [
    {
      does: isWhole ? 'Fetch the answers' : 'Fetch what was answered',
      command: `batchdrop results ${handle} -o results.jsonl${isWhole ? '' : ' --partial'}`,
    },
  ];
}

function repair(state: BatchState, handle: string): Step[] {
  if (state.errorFile !== null)
    return [
      { does: 'See why requests failed', command: `batchdrop explain ${handle}` },
      { does: 'Send the failed requests again', command: `batchdrop retry ${handle} --wait` },
    ];
  if (state.status !== 'failed' || state.errorCount === 0) return [];
  return [{ does: 'Mend the file, and see all that is wrong with it', command: 'batchdrop validate FILE' }];
}
