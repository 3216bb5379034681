import { setTimeout as sleep } from 'node:timers/promises';

/** AWS does it on a schedule as well, though less often: a local stack is watched by a person. */
const pauseMilliseconds = 60_000;

export interface SweepSchedule {
  /** Resolves when the first sweep has ended, however it ended. */
  first: Promise<void>;
  stop(): void;
}

/** Sweeps at once, and then a minute after each sweep's end. */
export function startSweeps(sweep: (isFirst: boolean) => Promise<void>): SweepSchedule {
  const stopped = new AbortController();
  const first = sweep(true);
  void repeat(first, sweep, stopped.signal);
  return { first, stop: () => stopped.abort() };
}

async function repeat(
  first: Promise<void>,
  sweep: (isFirst: boolean) => Promise<void>,
  stopped: AbortSignal,
): Promise<void> {
  await first;
  while (await pause(stopped)) await sweep(false);
}

/** @returns false once the schedule was stopped. */
function pause(stopped: AbortSignal): Promise<boolean> {
  return sleep(pauseMilliseconds, undefined, { signal: stopped, ref: false }).then(
    () => true,
    () => false,
  );
}
