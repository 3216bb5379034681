import { hint } from '../called-as.ts';
import { printable } from '../output/printable.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';

export interface Step {
  does: string;
  command: string;
}

/**
 * The commands that make sense now.
 *
 * @param isFetched whether its answers and errors were written to files just now.
 */
export function nextSteps(state: BatchState, isFetched = false): Step[] {
  const handle = printable(state.handle);
  if (state.status === 'cancelling')
    return [{ does: 'Wait for what finishes all the same', command: hint('wait', handle) }];
  if (!hasBatchEnded(state))
    return [
      { does: 'Wait for its end', command: hint('wait', handle) },
      { does: 'See where it is', command: hint('explain', handle) },
    ];
  if (state.isDryRun) return [{ does: 'Run it', command: `${hint('submit')} FILE --wait` }];
  return [...(isFetched ? [] : results(state, handle)), ...repair(state, handle, isFetched)];
}

function results(state: BatchState, handle: string): Step[] {
  if (state.output === null) return [];
  const isWhole = state.status === 'completed';
  return [
    {
      does: isWhole ? 'Fetch the answers' : 'Fetch what was answered',
      command: hint('results', handle, '-o', 'results.jsonl', ...(isWhole ? [] : ['--partial'])),
    },
  ];
}

function repair(state: BatchState, handle: string, isFetched: boolean): Step[] {
  if (state.errorFile !== null) {
    const again = resend(state, handle, isFetched);
    return [{ does: 'See why requests failed', command: hint('explain', handle) }, ...again];
  }
  if ((state.status !== 'failed' && state.status !== 'refused') || state.errorCount === 0) return [];
  const remedy = state.errors.map(({ code }) => remedies[code]).find((known) => known !== undefined);
  return [remedy?.() ?? { does: 'Correct the file, and see all that is wrong with it', command: validateFile() }];
}

/** Requests that were refused for what they say are refused again. */
function resend({ status, retryable }: BatchState, handle: string, isFetched: boolean): Step[] {
  if (status !== 'completed' || retryable !== 0)
    return [{ does: 'Send the failed requests again', command: hint('retry', handle, '--wait') }];
  return isFetched
    ? []
    : [{ does: 'See the requests that need another body', command: hint('results', handle, '--errors') }];
}

function validateFile(): string {
  return `${hint('validate')} FILE`;
}

function submitAgain(): string {
  return `${hint('submit')} FILE --wait`;
}

/** What helps where a batch failed before anything was sent, by the code of its error. The file needs no change. */
const remedies: Record<string, () => Step> = {
  provider_authentication: () => ({
    does: "Nothing was sent. Give the provider's account a valid key, then submit the same file again",
    command: hint('doctor'),
  }),
  provider_not_configured: () => ({
    does: 'Nothing was sent. Add the account to the configuration, start or deploy again, then',
    command: submitAgain(),
  }),
  budget_exceeded: () => ({
    does: 'Nothing was sent. Allow more, or see first what it may cost',
    command: `${hint('submit')} FILE --dry-run`,
  }),
  unbounded_cost: () => ({
    does: 'Nothing was sent. Say what a request without a limit counts, as 2,000 tokens',
    command: `${hint('submit')} FILE --assume-output-tokens 2000 --wait`,
  }),
  md5_mismatch: () => ({ does: 'The upload was damaged. Submit the file again', command: submitAgain() }),
  input_modified: () => ({ does: 'The file was changed while it was read. Submit it again', command: submitAgain() }),
};
