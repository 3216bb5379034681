import { type BatchRecord, endedAt, isSettled } from './batch.ts';

/** Which of a batch's files are gone: deleted, or past their time. */
export interface GoneFiles {
  input: boolean;
  output: boolean;
  errors: boolean;
}

/**
 * Whether a work object of an ended batch holds what stood in a file that is gone. What is made of several files goes with the
 * first of them. docs/retention.md has the whole table.
 */
export function goesWith(gone: GoneFiles, workKey: string): boolean {
  const [, , folder = ''] = workKey.split('/');
  const name = workKey.slice(workKey.lastIndexOf('/') + 1);
  if (folder === 'prepare' || folder === 'template' || /^(refused-)?lines\.(jsonl|index)$/.test(name))
    return gone.input;
  if (name === 'output.jsonl') return gone.output;
  if (/^(refused-)?errors\.jsonl$/.test(name)) return gone.errors;
  // A part of the results table holds rows and answers.
  if (folder === 'merge' && name.startsWith('table.')) return gone.input || gone.output || gone.errors;
  if (folder === 'bedrock' || /^(sent|retry|raw-\d+|\d+-answers)\.jsonl$/.test(name))
    return gone.input || gone.output || gone.errors;
  // Indexes and checkpoints hold lengths and counts.
  return false;
}

/** When a batch has ended, in Unix seconds; null while it, what tells of its end, or its retry file, which needs the work, is under way. */
export function settledAt(batch: BatchRecord): number | null {
  return isSettled(batch) ? endedAt(batch) : null;
}

/** Until when the work of an ended batch can be counted on, in Unix seconds. */
export function workKeptUntil(endedAtSeconds: number, workKeepDays: number): number {
  return endedAtSeconds + workKeepDays * 24 * 3_600;
}
