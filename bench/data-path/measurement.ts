import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { nodeOptionsFor, sizeOf } from '../../cdk/sizes.ts';
import type { Task, Took } from './cases.ts';

const measurementSchema = z.object({
  phases: z.record(z.string(), z.object({ seconds: z.number(), cpuSeconds: z.number() })),
  bytes: z.number(),
  peakRssMegabytes: z.number(),
});

export type Measurement = z.infer<typeof measurementSchema>;

/** A case and how it is called in the report. */
export interface NamedTask extends Task {
  title: string;
  name: string;
}

const caseProcess = fileURLToPath(new URL('./case-process.ts', import.meta.url));

/**
 * Runs a case in a process of its own, so that its peak of memory is its own, and as a function that streams is run: with
 * its options for Node, and without stripping types, which takes 20 MB, from the second case in the folder on.
 */
export function measure({ name, folder, files, lines }: NamedTask): Measurement {
  const output = execFileSync(process.execPath, [caseProcess, JSON.stringify({ name, folder, files, lines })], {
    encoding: 'utf8',
    env: {
      ...process.env,
      NODE_OPTIONS: nodeOptionsFor(sizeOf.prepare),
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return measurementSchema.parse(JSON.parse(output));
}

/** Runs all cases one after the other, again and again, so that whatever else the machine does strikes them alike. */
export function measureInRotation(tasks: readonly NamedTask[], rounds: number): Map<string, Measurement[]> {
  const measured = new Map<string, Measurement[]>(tasks.map(({ title }) => [title, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const task of tasks) measured.get(task.title)?.push(measure(task));
  return measured;
}

/** @returns the median of the sums of all phases, or of one phase. */
export function medianSeconds(measurements: readonly Measurement[], phase?: string): number {
  return medianOf(measurements, phase, ({ seconds }) => seconds);
}

/** The same of all processors together. */
export function medianCpuSeconds(measurements: readonly Measurement[], phase?: string): number {
  return medianOf(measurements, phase, ({ cpuSeconds }) => cpuSeconds);
}

function medianOf(
  measurements: readonly Measurement[],
  phase: string | undefined,
  secondsOf: (took: Took) => number,
): number {
  return median(
    measurements.map(({ phases }) =>
      Object.entries(phases)
        .filter(([name]) => phase === undefined || name === phase)
        .reduce((sum, [, took]) => sum + secondsOf(took), 0),
    ),
  );
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
