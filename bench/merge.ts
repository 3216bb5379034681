import { rmSync } from 'node:fs';
import { bytesOf } from './data-path/cases.ts';
import { collectableFiles } from './data-path/collectable-files.ts';
import { compare } from './data-path/comparison.ts';
import { FileObjects } from './data-path/file-objects.ts';
import type { InputKind } from './data-path/input-files.ts';
import { measure } from './data-path/measurement.ts';
import { printReport, type Row } from './data-path/report.ts';
import { keptShards } from './data-path/shards.ts';
import { Workspace } from './data-path/workspace.ts';

const kinds: { title: string; input: InputKind }[] = [
  { title: 'contiguous', input: 'raw' },
  { title: 'interleaved', input: 'mixed' },
];

/** The results of all shards to one file: those of one model, one after the other, and those of four models in turn. */
export async function run(options: { json: boolean; lines: number; bytesPerLine: number }): Promise<void> {
  using workspace = new Workspace();
  const rows: Row[] = [];
  for (const { title, input } of kinds) {
    const folder = workspace.subfolder(title);
    const results = collectableFiles(folder, input, options);
    measure({ title: 'collect', name: 'collect', folder, files: results });
    const objects = new FileObjects(folder);
    const files = keptShards(folder).map(({ result }) => objects.pathOf(result?.outputKey ?? ''));
    const task = { folder, files };
    const comparison = {
      parseOnly: { ...task, name: 'parse-only', title: `parse-only-${title}` },
      copy: { ...task, name: 'copy', title: `copy-${title}` },
      cases: [{ task: { ...task, name: 'merge', title: `merge-${title}` }, phases: [] }],
    };
    rows.push(...compare(comparison, bytesOf(files)));
    rmSync(folder, { recursive: true });
  }
  printReport(rows, options.json);
}
