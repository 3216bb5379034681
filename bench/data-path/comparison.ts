import { type Measurement, measureInRotation, medianCpuSeconds, medianSeconds, type NamedTask } from './measurement.ts';
import type { Row } from './report.ts';

/** Less than 1 GB is measured three times, more only once: it takes minutes, and noise evens out. */
const bytesMeasuredOnce = 1e9;

/** Cases over the same files and what they are held against; the yardsticks are cases as well. */
export interface Comparison {
  parseOnly: NamedTask;
  copy: NamedTask;
  unordered?: NamedTask;
  twoPasses?: NamedTask;
  /** Further cases, and phases of theirs that are worth a line. */
  cases: { task: NamedTask; phases: string[] }[];
}

export function compare(comparison: Comparison, bytes: number): Row[] {
  const { parseOnly, copy, unordered, twoPasses, cases } = comparison;
  const yardsticks = [parseOnly, copy, unordered, twoPasses].filter((task) => task !== undefined);
  const tasks = [...yardsticks, ...cases.map(({ task }) => task)];
  const measured = measureInRotation(tasks, bytes < bytesMeasuredOnce ? 3 : 1);
  const of = (task: NamedTask) => measured.get(task.title) ?? [];
  const row = (title: string, measurements: readonly Measurement[], phase?: string): Row => ({
    case: title,
    megabytesPerSecond: bytes / 1e6 / medianSeconds(measurements, phase),
    timesParseOnly: medianSeconds(measurements, phase) / medianSeconds(of(parseOnly)),
    timesParseOnlyCpu: medianCpuSeconds(measurements, phase) / medianCpuSeconds(of(parseOnly)),
    timesUnordered: unordered ? medianSeconds(measurements, phase) / medianSeconds(of(unordered)) : null,
    timesCopy: medianSeconds(measurements, phase) / medianSeconds(of(copy)),
    peakRssMegabytes: Math.max(...measurements.map(({ peakRssMegabytes }) => peakRssMegabytes)),
  });
  return [
    ...yardsticks.map((task) => row(task.title, of(task))),
    ...cases.flatMap(({ task, phases }) => [
      row(task.title, of(task)),
      ...phases.map((phase) => row(`${task.title}: ${phase}`, of(task), phase)),
    ]),
  ];
}
