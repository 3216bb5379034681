import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf } from './data-path/cases.ts';
import { compare } from './data-path/comparison.ts';
import { FileObjects } from './data-path/file-objects.ts';
import { startSimulators } from './data-path/helper-process.ts';
import { type InputKind, writeInputFile } from './data-path/input-files.ts';
import { measure } from './data-path/measurement.ts';
import { printReport, type Row } from './data-path/report.ts';
import { keptShards } from './data-path/shards.ts';
import { Workspace } from './data-path/workspace.ts';

/** Kinds of lines, and which provider's SDK is measured with them. */
const kinds: { kind: InputKind; sending: string | null }[] = [
  { kind: 'raw', sending: 'sending-openai' },
  { kind: 'anthropic', sending: 'sending-anthropic' },
  { kind: 'native', sending: null },
  { kind: 'mixed', sending: null },
];

/**
 * Prepare, and of Submit the making of the provider's lines, from a local file to local files: validated, routed, sharded,
 * indexed, written; read again, put under their ids and written as the SDK is lent them. The SDK's own sending of the
 * first shard, to a simulator, stands apart.
 */
export async function run(options: { json: boolean; lines: number; bytesPerLine: number }): Promise<void> {
  using workspace = new Workspace();
  await using simulators = await startSimulators(workspace.subfolder('simulators'));
  process.env.OPENAI_BASE_URL = simulators.ready.urls.openai;
  process.env.ANTHROPIC_BASE_URL = simulators.ready.urls.anthropic;
  const rows: Row[] = [];
  const sendingRows: Row[] = [];
  for (const { kind, sending } of kinds) {
    const folder = workspace.subfolder(kind);
    const input = join(folder, 'input.jsonl');
    writeInputFile(input, kind, options.lines, options.bytesPerLine);
    const task = { folder, files: [input] };
    const comparison = {
      parseOnly: { ...task, name: 'parse-only', title: `parse-only-${kind}` },
      copy: { ...task, name: 'copy', title: `copy-${kind}` },
      twoPasses: { ...task, name: 'two-passes', title: `two-passes-${kind}` },
      cases: [{ task: { ...task, name: 'submit', title: `submit-${kind}` }, phases: ['prepare', 'lines'] }],
    };
    rows.push(...compare(comparison, bytesOf([input])));
    if (sending !== null) sendingRows.push(sendingRow(sending, folder));
    rmSync(folder, { recursive: true });
  }
  printReport([...rows, ...sendingRows], options.json);
}

function sendingRow(title: string, folder: string): Row {
  const [shard] = keptShards(folder);
  const file = new FileObjects(folder).pathOf(shard?.sentKey ?? shard?.linesKey ?? '');
  const { phases, bytes, peakRssMegabytes } = measure({ title, name: 'send', folder, files: [file] });
  return {
    case: title,
    megabytesPerSecond: bytes / 1e6 / (phases.send?.seconds ?? Number.NaN),
    timesParseOnly: null,
    timesParseOnlyCpu: null,
    timesUnordered: null,
    timesCopy: null,
    peakRssMegabytes,
  };
}
