import { z } from 'zod';
import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { mergeWorkKey } from '../../records/object-keys.ts';
import type { Objects } from '../../store/objects.ts';
import type { Services } from '../services.ts';

/** A piece of a result file that stands in an object of its own. */
export const stretchSchema = z.object({
  key: z.string(),
  bytes: z.number().int(),
  sections: z.array(z.object({ bytes: z.number().int(), sha256: z.string().nullable() })),
});
export type Stretch = z.infer<typeof stretchSchema>;

/**
 * Writes down, under the run's own token, how far it came, and names the token in the batch. When two runs start from the same
 * checkpoint, only one of them continues; the other's work is never read.
 */
export async function leaveCheckpoint(
  services: Services,
  batch: BatchRecord,
  token: string,
  checkpoint: object,
): Promise<void> {
  await services.objects.putText(mergeWorkKey(batch.id, token, 'checkpoint.json'), JSON.stringify(checkpoint));
  await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    return current.mergeCheckpoint === batch.mergeCheckpoint ? { ...current, mergeCheckpoint: token } : current;
  });
}

/**
 * @param schema of the work that is asked for.
 * @returns where the batch's last run stopped; null where it did other work, or where another release wrote it, which may read
 *   otherwise: nothing was committed yet, so the work begins anew.
 */
export async function readCheckpoint<Schema extends z.ZodType>(
  objects: Objects,
  { id, mergeCheckpoint: token }: Pick<BatchRecord, 'id' | 'mergeCheckpoint'>,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const stored = token === null ? null : await objects.readText(mergeWorkKey(id, token, 'checkpoint.json'));
  return schema.safeParse(stored && JSON.parse(stored.text)).data ?? null;
}
