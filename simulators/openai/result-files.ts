import { SeededRandom } from '../seeded-random.ts';

export type ResultKind = 'output' | 'error';

/** A result file's id is a function of its batch, so that a restart cannot make a second one. */
export function resultFileId(batchId: string, kind: ResultKind): string {
  return `file-${new SeededRandom(`${batchId} ${kind}`).base62(22)}`;
}

export function resultFileName(batchId: string, kind: ResultKind): string {
  return `${batchId}_${kind}.jsonl`;
}
