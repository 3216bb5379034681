import { styleText } from 'node:util';
import type { Command } from 'commander';
import { hint } from '../called-as.ts';
import { exitStatus } from '../exit-status.ts';
import { parseDuration } from '../option-values.ts';
import { printable } from '../output/printable.ts';
import { createProgress } from '../output/progress.ts';
import { note, type OutputOptions } from '../output/result.ts';
import type { BatchState } from '../transport/batch-state.ts';
import type { InputSubmission, Transport } from '../transport/transport.ts';
import { endStatus } from './end-status.ts';
import { answerEach, type BatchAnswer, type Outcome, settle } from './many.ts';
import { fetchFiles, noteFetched, targetFile } from './result-files.ts';
import { headline, stateText } from './state-text.ts';
import { sharedProgress, untilEnd } from './wait.ts';

export interface FinishOptions extends OutputOptions {
  wait?: boolean;
  /** Seconds. */
  timeout?: number;
  /** Where the answers go, once the batch has ended. */
  output?: string;
}

export function withWaitFlags(command: Command): Command {
  return command
    .option('--timeout <duration>', 'wait no longer than this, such as 90s, 15m, 24h', parseDuration)
    .option(
      '-o, --output <path>',
      'wait, and write the answers there whatever failed, with errors beside them; a folder for several',
    );
}

/** Makes a batch of a file, or of what failed in another batch. */
export type Submit = () => Promise<InputSubmission>;

/**
 * Hands over what there is, one after the other, and says so or waits for what comes of it. What fails for one of several is
 * said, and the others are handed over all the same.
 */
export async function finishSubmissions(
  transport: Transport,
  submits: readonly Submit[],
  options: FinishOptions,
): Promise<void> {
  const isWaited = options.wait || options.timeout !== undefined || options.output !== undefined;
  if (!isWaited) return answerEach(submits, options, async (submit) => submittedAnswer(await submit()));
  await assertTarget(options, submits.length > 1);
  const waits: Waiting[] = [];
  for (const submit of submits) {
    const submission = submits.length > 1 ? await settle(submit) : { value: await submit() };
    if ('value' in submission) {
      const { handle, place, state } = submission.value;
      note(`Submitted ${printable(handle)} to ${place}.`, options);
      waits.push({ handle, look: state });
    } else waits.push({ handle: null, look: () => Promise.reject(submission.error) });
  }
  await waitForAll(transport, waits, options);
}

function submittedAnswer({ handle, place, document }: InputSubmission): BatchAnswer {
  const pipe = () => handle;
  const said = `${styleText('green', '✔')} Submitted ${styleText('bold', printable(handle))} to ${place}`;
  const next = ['', `  ${styleText('dim', '# Wait for its end')}`, `  ${hint('wait', printable(handle))}`];
  return {
    answer: { terminal: () => [said, ...next].join('\n'), pipe, json: document },
    brief: { terminal: () => said, pipe },
    status: exitStatus.succeeded,
  };
}

/** A batch whose end is waited for. */
export interface Waiting {
  /** Null where there is none, since it could not be handed over. */
  handle: string | null;
  /** @returns null as long as nobody has taken the file up. */
  look: () => Promise<BatchState | null>;
}

/** Waits for the ends of all, side by side, and fetches their answers where somebody wants them. */
export async function waitForAll(
  transport: Transport,
  waits: readonly Waiting[],
  options: FinishOptions,
): Promise<void> {
  const isOneOfMany = waits.length > 1;
  await assertTarget(options, isOneOfMany);
  const waitAgain = hint('wait', ...waits.flatMap(({ handle }) => handle ?? []));
  const progress = sharedProgress(createProgress(options), waits.length);
  const ended = await Promise.all(
    waits.map(({ look }) =>
      settle(() => untilEnd({ look, waitAgain, progress: progress(), timeoutSeconds: options.timeout })),
    ),
  );
  for (const outcome of ended)
    if ('value' in outcome && options.output !== undefined)
      await keepResults(transport, outcome.value, { ...options, output: options.output }, isOneOfMany);
  await answerEach(ended, options, async (outcome) => endedAnswer(outcome, options.output !== undefined));
}

/** Says that there is no such folder before hours are waited. */
async function assertTarget({ output }: FinishOptions, isOneOfMany: boolean): Promise<void> {
  if (output !== undefined) await targetFile(output, '', isOneOfMany);
}

function endedAnswer(outcome: Outcome<BatchState>, isFetched: boolean): BatchAnswer {
  if ('error' in outcome) throw outcome.error;
  const state = outcome.value;
  return {
    answer: { terminal: () => stateText(state, isFetched), json: state.document },
    brief: { terminal: () => headline(state) },
    status: endStatus(state),
  };
}

/** What was answered is kept whatever the batch came to. */
async function keepResults(
  transport: Transport,
  state: BatchState,
  options: FinishOptions & { output: string },
  isOneOfMany: boolean,
): Promise<void> {
  if (state.output === null && state.errorFile === null)
    return note(`There are no results of ${printable(state.handle)}: nothing was answered.`, options);
  const path = await targetFile(options.output, state.name ?? state.handle, isOneOfMany);
  noteFetched(state.counts, await fetchFiles(transport, state, path, options), options);
}
