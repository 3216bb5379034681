import { z } from 'zod';
import type { BatchRecord } from '../../records/batch.ts';
import { mergeWorkKey } from '../../records/object-keys.ts';
import type { Objects } from '../../store/objects.ts';
import { emptyMerge, type MergeCheckpoint } from './merge.ts';

const stretchSchema = z.object({
  key: z.string(),
  bytes: z.number().int(),
  sections: z.array(z.object({ bytes: z.number().int(), sha256: z.string().nullable() })),
});
const mergeCheckpointSchema = z.object({
  nextOrdinal: z.number().int(),
  output: z.array(stretchSchema),
  errors: z.array(stretchSchema),
});

/** Writes down, under the run's own token, what is merged so far. Nobody reads it before the batch names the token. */
export async function writeMergeCheckpoint(
  objects: Objects,
  batchId: string,
  token: string,
  checkpoint: MergeCheckpoint,
): Promise<void> {
  await objects.putText(mergeWorkKey(batchId, token, 'checkpoint.json'), JSON.stringify(checkpoint));
}

/** @returns where the batch's last run stopped, or the beginning. */
export async function readMergeCheckpoint(
  objects: Objects,
  { id, mergeCheckpoint: token }: Pick<BatchRecord, 'id' | 'mergeCheckpoint'>,
): Promise<MergeCheckpoint> {
  const stored = token === null ? null : await objects.readText(mergeWorkKey(id, token, 'checkpoint.json'));
  const checkpoint = mergeCheckpointSchema.safeParse(stored && JSON.parse(stored.text));
  // One that another release wrote may read otherwise: nothing was committed yet, so all is merged anew.
  return checkpoint.success ? checkpoint.data : emptyMerge;
}
