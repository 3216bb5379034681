import { customIdOf } from './data-path/cases.ts';
import { type Measurement, measureInRotation, medianSeconds, type NamedTask } from './data-path/measurement.ts';
import { printReport, type Row } from './data-path/report.ts';
import { Workspace } from './data-path/workspace.ts';

/** A set of strings throws at its next entry. */
const mostInSet = 16_777_216;

/** Finding doubled custom_ids, by the hashes that Prepare keeps and by a set of the ids. MB/s are of the ids. */
export async function run(options: { json: boolean; lines: number }): Promise<void> {
  using workspace = new Workspace();
  const { lines } = options;
  const task = { folder: workspace.folder, files: [], lines };
  const hashes: NamedTask = { ...task, title: 'unique-hashes', name: 'unique-hashes' };
  const set: NamedTask = { ...task, title: 'unique-set', name: 'unique-set' };
  const tasks = lines <= mostInSet ? [hashes, set] : [hashes];
  const measured = measureInRotation(tasks, lines <= 2_000_000 ? 3 : 1);
  const bytes = lines * customIdOf(lines).length;
  printReport(
    tasks.map(({ title }) => rowOf(title, measured.get(title) ?? [], bytes)),
    options.json,
  );
}

function rowOf(title: string, measurements: readonly Measurement[], bytes: number): Row {
  return {
    case: title,
    megabytesPerSecond: bytes / 1e6 / medianSeconds(measurements),
    timesParseOnly: null,
    timesParseOnlyCpu: null,
    timesUnordered: null,
    timesCopy: null,
    peakRssMegabytes: Math.max(...measurements.map(({ peakRssMegabytes }) => peakRssMegabytes)),
  };
}
