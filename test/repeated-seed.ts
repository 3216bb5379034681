import fc from 'fast-check';
import { vi } from 'vitest';
import { given, runs, runTimeMs } from './seed.ts';

/** Before each test file: every property takes its seed, path and number of runs from the environment. See `given`. */
const repeated = {
  ...(given.seed !== undefined && { seed: given.seed }),
  ...(given.path !== undefined && { path: given.path }),
};
fc.configureGlobal({ ...repeated, numRuns: runs(100) });
if (given.runsFactor > 1) vi.setConfig({ testTimeout: runTimeMs(120_000) });
