import { onTestFailed } from 'vitest';

/**
 * How a test that draws at random is repeated, and run for longer.
 *
 * A failing property test prints `{ seed: 1, path: "7:0:2" }` and the counterexample. The same again, without shrinking:
 *
 *     BATCHDROP_SEED=1 BATCHDROP_PATH=7:0:2 npx vitest run FILE -t 'title of the test'
 *
 * The counterexample is then written into the test for good, as one of `examples` beside `numRuns` (or, where it is no plain
 * value, as a test of its own), and the code is mended until it passes. BATCHDROP_RUNS=50 makes fifty times as many runs, in
 * fifty times the time. Tests that draw by themselves call `seedOfTest`.
 */
export const given = {
  seed: numberFrom('BATCHDROP_SEED'),
  path: process.env.BATCHDROP_PATH,
  runsFactor: numberFrom('BATCHDROP_RUNS') ?? 1,
};

/** How often a property is tried, usually `usual` times. */
export function runs(usual: number): number {
  return Math.ceil(usual * given.runsFactor);
}

/** How long a test of properties may take, usually `usual` milliseconds. */
export function runTimeMs(usual: number): number {
  return usual * Math.max(1, given.runsFactor);
}

/**
 * Of a matrix of cases those that every run tries; all of them where BATCHDROP_RUNS is above 1.
 *
 * @param isUsual must take every row and every column of the matrix at least once.
 */
export function casesOf<Case>(matrix: readonly Case[], isUsual: (one: Case) => boolean): Case[] {
  return given.runsFactor > 1 ? [...matrix] : matrix.filter(isUsual);
}

/** Draws the seed of a running test, or takes the given one. A test that fails prints it. */
export function seedOfTest(): number {
  const seed = given.seed ?? Math.floor(Math.random() * 1_000_000);
  onTestFailed(({ task }) => {
    console.error(`To repeat: BATCHDROP_SEED=${seed} npx vitest run ${task.file.name} -t '${task.name}'`);
  });
  return seed;
}

function numberFrom(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) throw new Error(`${name} is no number: ${text}`);
  return number;
}
