import { vi } from 'vitest';
import type { Services, StepContext } from '../../lib/pipeline/services.ts';
import type { PrepareAnswer } from '../../lib/pipeline/step.ts';
import { StaleEpochError } from '../../lib/records/errors.ts';
import type { Harness } from './harness.ts';
import { collect, finalize, poll, prepare, submit, sweep } from './steps.ts';

const functionMs = 60_000;

export function functionContext(): StepContext {
  const endsAt = Date.now() + functionMs;
  return { remainingMs: () => endsAt - Date.now(), signal: new AbortController().signal };
}

/** The time is up after so many looks at the clock. */
export function shortTime(looks: number): StepContext {
  let left = looks;
  const remainingMs = () => {
    left -= 1;
    return left >= 0 ? 900_000 : 1_000;
  };
  return { remainingMs, signal: new AbortController().signal };
}

/** For each run of a step in turn so many looks at the clock. */
export function shortTimes(looks: readonly number[]): () => StepContext {
  let runs = 0;
  return () => {
    runs += 1;
    return shortTime(looks[runs % looks.length] ?? 0);
  };
}

/** Turns the clock of the pipeline and of the simulators, which is one and the same. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1_000);
}

export interface DriveOptions {
  /** What the functions work with; a test puts faults in here. */
  services?: Services;
  maxTurns?: number;
  /** What Prepare and Finalize have of time, for each of their runs. */
  context?: () => StepContext;
  /** And what the other steps have, for each of their runs. */
  stepContext?: () => StepContext;
  /** Called before each turn. */
  onTurn?: (turn: number) => Promise<void> | void;
}

/**
 * Plays the state machine for one batch: every step may fail and is repeated, as Retry and Catch have it, and time
 * passes only where the machine waits.
 */
export async function drive(harness: Harness, batchId: string, options: DriveOptions = {}): Promise<void> {
  const services = options.services ?? harness.services;
  const { epoch } = await harness.batch(batchId);
  const step = { batchId, epoch };
  const stepContext = options.stepContext ?? functionContext;
  let turns = 0;
  /** Retry, then Catch and a pause; null where another execution has taken over. */
  const untilDone = async <Answer>(run: () => Promise<Answer>): Promise<Answer | null> => {
    for (;;) {
      turns += 1;
      if (turns > (options.maxTurns ?? 400))
        throw new Error(`Batch ${batchId} did not end: ${harness.logs.slice(-8).join('\n')}`);
      await options.onTurn?.(turns);
      try {
        return await run();
      } catch (error) {
        if (error instanceof StaleEpochError) return null;
        harness.logs.push(`step failed: ${error instanceof Error ? error.message : error}`);
        pass(5);
      }
    }
  };
  let prepared: PrepareAnswer | null = null;
  do {
    prepared = await untilDone(() => prepare(services, step, (options.context ?? functionContext)()));
    if (!prepared) return;
  } while (!prepared.done);
  let isFinal = prepared.ended;
  for (;;) {
    if (!isFinal) {
      const turn = await untilDone(() => poll(services, { ...step, events: 0 }, stepContext()));
      if (!turn || turn.continue) return;
      for (const shard of turn.submit)
        await attempt(harness, () => submit(services, { ...step, shard }, stepContext()));
      for (const shard of turn.collect)
        await attempt(harness, () => collect(services, { ...step, shard }, stepContext()));
      pass(turn.waitSeconds);
      isFinal = turn.finished;
    }
    if (!isFinal) continue;
    const answer = await untilDone(() => finalize(services, step, (options.context ?? functionContext)()));
    if (!answer || answer.done) break;
    isFinal = !answer.nextRound;
  }
  harness.running.delete(`${batchId}-${epoch}`);
}

/** A shard's error stays its own. */
async function attempt(harness: Harness, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    harness.logs.push(`shard step failed: ${error instanceof Error ? error.message : error}`);
  }
}

/** What the sweep's schedule does: brings back batches whose execution died. */
export async function sweepNow(harness: Harness): Promise<void> {
  await sweep(harness.services, { graceMs: 0 }, functionContext());
}
