import { assertEpoch, type BatchRecord } from '../../records/batch.ts';
import { resultKey } from '../../records/object-keys.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Services } from '../services.ts';

/** What the check of the answers says in the batch's record; nothing where none was held against a schema. */
export function invalidOutputsOf(shards: readonly ShardRecord[]): Pick<BatchRecord, 'invalidOutputs'> {
  const counts = shards.flatMap(({ result }) => result?.invalidOutputs ?? []);
  return counts.length === 0 ? {} : { invalidOutputs: counts.reduce((sum, count) => sum + count, 0) };
}

/**
 * Adds what the check of the answers has to say to the warnings of the batch. How long `warnings.jsonl` was before is noted first, once:
 * whoever comes here again, after a crash or another collection, writes the file anew from there.
 *
 * @returns the batch with all its warnings counted.
 */
export async function addAnswerWarnings(
  services: Services,
  batch: BatchRecord,
  shards: readonly ShardRecord[],
): Promise<BatchRecord> {
  const pieces = shards.flatMap(({ result }) => result?.warnings ?? []);
  if (pieces.length === 0) return batch;
  const { objects } = services;
  const key = resultKey(batch.id, 'warnings.jsonl');
  const bytes = batch.warningsBefore || batch.warningCount === 0 ? 0 : ((await objects.head(key))?.bytes ?? 0);
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
  const noted = await services.records.updateBatch(batch.id, (current) => {
    assertEpoch(current, batch.epoch);
    const warningsBefore = current.warningsBefore ?? { count: current.warningCount, bytes };
    return { ...current, warningsBefore, warningCount: warningsBefore.count + count };
  });
  const before = noted.warningsBefore?.bytes ?? 0;
  const writer = objects.writer(key);
  const sources = [...(before > 0 ? [{ key, bytes: before }] : []), ...pieces];
  for (const source of sources)
    await writer.append({
      ...{ key: source.key, bytes: source.bytes, sections: [] },
      read: () => objects.stream({ bucket: objects.bucket, key: source.key }),
    });
  await writer.close();
  return noted;
}
