import { rmSync } from 'node:fs';
import { bytesOf } from './data-path/cases.ts';
import { collectableFiles } from './data-path/collectable-files.ts';
import { compare } from './data-path/comparison.ts';
import type { InputKind } from './data-path/input-files.ts';
import { printReport, type Row } from './data-path/report.ts';
import type { ResultKind } from './data-path/result-files.ts';
import { Workspace } from './data-path/workspace.ts';

const kinds: { kind: ResultKind; input: InputKind }[] = [
  { kind: 'openai', input: 'raw' },
  { kind: 'anthropic', input: 'anthropic' },
];

/** Collect from a provider's result files, in no order, to ordered output, errors and index. */
export async function run(options: { json: boolean; lines: number; bytesPerLine: number }): Promise<void> {
  using workspace = new Workspace();
  const rows: Row[] = [];
  for (const { kind, input } of kinds) {
    const folder = workspace.subfolder(kind);
    const files = collectableFiles(folder, input, options);
    const task = { folder, files };
    const comparison = {
      parseOnly: { ...task, name: 'parse-only', title: `parse-only-${kind}` },
      copy: { ...task, name: 'copy', title: `copy-${kind}` },
      unordered: { ...task, name: 'unordered', title: `unordered-${kind}` },
      cases: [{ task: { ...task, name: 'collect', title: `collect-${kind}` }, phases: [] }],
    };
    rows.push(...compare(comparison, bytesOf(files)));
    rmSync(folder, { recursive: true });
  }
  printReport(rows, options.json);
}
