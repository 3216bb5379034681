import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, exitStatus } from '../exit-status.ts';
import type { Progress } from '../output/progress.ts';
import { clockText, countText, durationText } from '../output/quantities.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';

/** A tenth of the time waited so far, between these, so that an end is seen at most a tenth late. Seconds. */
const firstPause = 0.25;
const longestPause = 30;

/** A deployment that does not answer for so long is gone; a batch of a day must survive a blip. */
const maxSilenceMilliseconds = 120_000;

export interface Wait {
  /** What is waited for, for the sentence that says how to go on. */
  handle: string;
  /** @returns null as long as nobody has taken the file up. */
  look: () => Promise<BatchState | null>;
  progress: Progress;
  timeoutSeconds: number | undefined;
}

/**
 * Looks until the batch has ended.
 *
 * @throws CommandError where the time given is over; the batch goes on. What the first look throws is thrown at once.
 */
export async function untilEnd(wait: Wait): Promise<BatchState> {
  const startedAtMs = Date.now();
  const removeHint = hintOnInterrupt(wait);
  try {
    for (let state = await wait.look(); ; state = await lookPatiently(wait)) {
      const elapsedSeconds = (Date.now() - startedAtMs) / 1_000;
      wait.progress.show(progressOf(state, elapsedSeconds));
      if (state && hasBatchEnded(state)) return state;
      const leftSeconds = (wait.timeoutSeconds ?? Number.POSITIVE_INFINITY) - elapsedSeconds;
      if (leftSeconds <= 0) throw timedOut(wait);
      const pause = Math.min(Math.max(elapsedSeconds * 0.1, firstPause), longestPause, leftSeconds);
      await sleep(pause * 1_000);
    }
  } finally {
    removeHint();
    wait.progress.clear();
  }
}

async function lookPatiently({ look }: Wait): Promise<BatchState | null> {
  const startedAtMs = Date.now();
  for (;;) {
    try {
      return await look();
    } catch (error) {
      const isSilence = error instanceof CommandError && error.status === exitStatus.unreachable;
      if (!isSilence || Date.now() - startedAtMs > maxSilenceMilliseconds) throw error;
      await sleep(2_000);
    }
  }
}

function timedOut({ handle, timeoutSeconds = 0 }: Wait): CommandError {
  const message = `The batch has not ended within ${durationText(timeoutSeconds)}; it goes on. To wait again: batchdrop wait ${handle}`;
  return new CommandError(exitStatus.timeout, message);
}

/** Ctrl-C ends the waiting, not the batch. */
function hintOnInterrupt({ handle, progress }: Wait): () => void {
  const stop = () => {
    progress.clear();
    console.error(`The batch goes on. To wait again: batchdrop wait ${handle}`);
    process.exit(exitStatus.interrupted);
  };
  process.once('SIGINT', stop);
  return () => process.off('SIGINT', stop);
}

function progressOf(state: BatchState | null, elapsedSeconds: number) {
  if (!state) return { label: 'dropped', done: 0, total: null, detail: clockText(elapsedSeconds) };
  const { total, completed, failed } = state.counts;
  const parts = [
    ...(total > 0 ? [`${countText(completed)} of ${countText(total)} answered`] : []),
    ...(failed > 0 ? [`${countText(failed)} failed`] : []),
    clockText(elapsedSeconds),
  ];
  return { label: state.status, done: completed + failed, total: total > 0 ? total : null, detail: parts.join(', ') };
}
