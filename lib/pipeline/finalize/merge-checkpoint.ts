import { z } from 'zod';
import type { BatchRecord } from '../../records/batch.ts';
import { mergeWorkKey } from '../../records/object-keys.ts';
import type { Objects } from '../../store/objects.ts';
import { type MergeProgress, mergeStart } from './merge.ts';

const stretchSchema = z.object({
  key: z.string(),
  bytes: z.number().int(),
  sections: z.array(z.object({ bytes: z.number().int(), sha256: z.string().nullable() })),
});
const progressSchema = z.object({
  nextOrdinal: z.number().int(),
  output: z.array(stretchSchema),
  errors: z.array(stretchSchema),
});

/** Writes down, under the run's own token, what is merged so far. Nobody reads it before the batch names the token. */
export async function writeMergeProgress(
  objects: Objects,
  batchId: string,
  token: string,
  progress: MergeProgress,
): Promise<void> {
  await objects.putText(mergeWorkKey(batchId, token, 'checkpoint.json'), JSON.stringify(progress));
}

/** @returns where the batch's last run stopped, or the beginning. */
export async function readMergeProgress(
  objects: Objects,
  { id, mergeCheckpoint: token }: Pick<BatchRecord, 'id' | 'mergeCheckpoint'>,
): Promise<MergeProgress> {
  const stored = token === null ? null : await objects.readText(mergeWorkKey(id, token, 'checkpoint.json'));
  const progress = progressSchema.safeParse(stored && JSON.parse(stored.text));
  // One that another release wrote may read otherwise: nothing was committed yet, so all is merged anew.
  return progress.success ? progress.data : mergeStart;
}
