import { join } from 'node:path';
import { prefixOf } from './cases.ts';
import { type InputKind, writeInputFile } from './input-files.ts';
import { measure } from './measurement.ts';
import { writeResultFile } from './result-files.ts';
import { keptShards } from './shards.ts';

/** Short requests: of them, only the index counts when results are collected. */
const requestBytes = 300;

/**
 * Prepares an input of so many lines and makes up what the providers answered.
 *
 * @returns a result file for each shard, in their order.
 */
export function collectableFiles(
  folder: string,
  kind: InputKind,
  { lines, bytesPerLine }: { lines: number; bytesPerLine: number },
): string[] {
  const input = join(folder, 'input.jsonl');
  writeInputFile(input, kind, lines, requestBytes);
  measure({ title: 'submit', name: 'submit', folder, files: [input] });
  return keptShards(folder).map((shard) => {
    const file = join(folder, `results-${shard.shard}.jsonl`);
    const resultKind = shard.provider === 'anthropic' ? 'anthropic' : 'openai';
    writeResultFile(file, resultKind, { prefix: prefixOf(shard), lines: shard.lineCount }, bytesPerLine);
    return file;
  });
}
