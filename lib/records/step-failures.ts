import { z } from 'zod';

/** Failures in a row of one step of a batch or shard. A success clears it, and so does the failure of another step. */
export const stepFailuresSchema = z.object({
  step: z.string(),
  count: z.number().int(),
  lastAtMs: z.number().int(),
});

export type StepFailures = z.infer<typeof stepFailuresSchema>;

/** From so many failures in a row on somebody is told. */
const manyFailures = 5;

/**
 * A batch's step that works again writes nothing that would clear the failures, so they count only while they are fresh: the
 * machine repeats a step that fails within a minute or two.
 */
const freshMs = 10 * 60 * 1_000;

export function countFailure(before: StepFailures | null, step: string, nowMs: number): StepFailures {
  const isNext = before?.step === step;
  return { step, count: (isNext ? before.count : 0) + 1, lastAtMs: nowMs };
}

/** Says whether a shard's step failed so often in a row that it does not heal by itself. */
export function fails(failures: StepFailures | null): boolean {
  return failures !== null && failures.count >= manyFailures;
}

/** Says the same of a step of a whole batch. */
export function failsNow(failures: StepFailures | null, nowMs: number): boolean {
  return failures !== null && fails(failures) && nowMs - failures.lastAtMs < freshMs;
}
