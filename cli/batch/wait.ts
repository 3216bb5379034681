import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, exitStatus } from '../exit-status.ts';
import { printable } from '../output/printable.ts';
import type { Progress, ProgressState } from '../output/progress.ts';
import { clockText, countText, durationText } from '../output/quantities.ts';
import { type BatchState, hasBatchEnded } from '../transport/batch-state.ts';

/** A tenth of the time waited so far, between these, so that an end is seen at most a tenth late. Seconds. */
const firstPause = 0.25;
const longestPause = 30;

/** A deployment that does not answer for so long is gone; a batch of a day must survive a blip. */
const maxSilenceMilliseconds = 120_000;

export interface Wait {
  /** The command that waits again. */
  waitAgain: string;
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

function timedOut({ waitAgain, timeoutSeconds = 0 }: Wait): CommandError {
  const message = `The batch has not ended within ${durationText(timeoutSeconds)}; it goes on. To wait again: ${waitAgain}`;
  return new CommandError(exitStatus.timeout, message);
}

/** Ctrl-C ends the waiting, not the batch. */
function hintOnInterrupt({ waitAgain, progress }: Wait): () => void {
  const stop = () => {
    progress.clear();
    console.error(`The batch goes on. To wait again: ${waitAgain}`);
    process.exit(exitStatus.interrupted);
  };
  process.once('SIGINT', stop);
  return () => process.off('SIGINT', stop);
}

/** A line of progress stays a line. */
const maxReasonLength = 60;

function progressOf(state: BatchState | null, elapsedSeconds: number) {
  if (!state) return { label: 'dropped', done: 0, total: null, detail: clockText(elapsedSeconds) };
  const { total, completed, failed } = state.counts;
  const parts = [
    ...(total > 0 ? [`${countText(completed)} of ${countText(total)} answered`] : []),
    ...(failed > 0 ? [`${countText(failed)} failed`] : []),
    clockText(elapsedSeconds),
    ...(state.waiting ? [`waits: ${printable(state.waiting.reason).slice(0, maxReasonLength)}`] : []),
  ];
  return { label: state.status, done: completed + failed, total: total > 0 ? total : null, detail: parts.join(', ') };
}

/**
 * Lets several waits share one progress: each call gives the next of them its own.
 *
 * @returns for a single wait the progress itself.
 */
export function sharedProgress(progress: Progress, count: number): () => Progress {
  if (count === 1) return () => progress;
  const startedAtMs = Date.now();
  const states = new Map<number, ProgressState>();
  let ended = 0;
  const redraw = () => {
    const all = [...states.values()];
    const done = all.reduce((sum, state) => sum + state.done, 0);
    const total = all.reduce((sum, state) => sum + (state.total ?? 0), 0);
    const detail = `${countText(done)} of ${countText(total)} requests, ${clockText((Date.now() - startedAtMs) / 1_000)}`;
    progress.show({ label: `${ended} of ${count} batches ended`, done, total: total > 0 ? total : null, detail });
  };
  return () => {
    const own = states.size;
    states.set(own, { label: '', done: 0, total: null, detail: '' });
    return {
      show: (state) => {
        states.set(own, state);
        redraw();
      },
      clear: () => {
        ended += 1;
        if (ended === count) progress.clear();
      },
    };
  };
}
