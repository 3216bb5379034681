import { styleText } from 'node:util';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { printable } from '../output/printable.ts';
import { createProgress } from '../output/progress.ts';
import { note, type OutputOptions, printAnswer } from '../output/result.ts';
import type { InputSubmission } from '../transport/transport.ts';
import { endStatus } from './end-status.ts';
import { stateText } from './state-text.ts';
import { untilEnd } from './wait.ts';

export interface FinishOptions extends OutputOptions {
  wait?: boolean;
  /** Seconds. */
  timeout?: number;
}

/** Says what was handed over, or waits for what comes of it. */
export async function finishSubmission(submission: InputSubmission, options: FinishOptions): Promise<ExitStatus> {
  if (options.wait || options.timeout !== undefined) return waitForSubmission(submission, options);
  printAnswer(
    {
      terminal: () => submittedText(submission),
      pipe: () => submission.handle,
      json: submission.document,
    },
    options,
  );
  return exitStatus.succeeded;
}

async function waitForSubmission(submission: InputSubmission, options: FinishOptions): Promise<ExitStatus> {
  note(`Submitted ${printable(submission.handle)} to ${submission.place}.`, options);
  const state = await untilEnd({
    handle: submission.handle,
    look: submission.state,
    progress: createProgress(options),
    timeoutSeconds: options.timeout,
  });
  printAnswer({ terminal: () => stateText(state), json: state.document }, options);
  return endStatus(state);
}

function submittedText({ handle, place }: InputSubmission): string {
  return [
    `${styleText('green', '✔')} Submitted ${styleText('bold', printable(handle))} to ${place}`,
    '',
    `  ${styleText('dim', '# Wait for its end')}`,
    `  batchdrop wait ${printable(handle)}`,
  ].join('\n');
}
