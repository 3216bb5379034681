import type { BatchRecord } from '../../records/batch.ts';
import { hasExpired } from '../../records/file.ts';
import { batchOfResult, filePrefix, joinedResultsFileId, keysWithResult } from '../../records/object-keys.ts';
import type { Removal } from '../../records/removal.ts';
import { graceSeconds } from '../removal-schedule.ts';
import { type Services, unixSeconds } from '../services.ts';
import { writeStatus } from '../status-file.ts';
import { removeWork } from './work-removal.ts';

/**
 * Removes the bytes of files whose time is over and of uploads that were not completed, but no object that an unfinished
 * batch reads: that one stays until the batch has ended.
 *
 * @param inUse ids of files and keys of objects.
 * @returns how many were removed.
 */
export async function removeDue(
  services: Services,
  inUse: ReadonlySet<string>,
  mustStop: () => boolean,
): Promise<number> {
  let removed = 0;
  for await (const removal of services.removals.due(unixSeconds(services))) {
    if (mustStop()) break;
    if ([removal.fileId, ...removal.keys].some((name) => inUse.has(name))) continue;
    if (await removeIfExpired(services, removal, mustStop)) removed += 1;
  }
  return removed;
}

/** @returns false for a file that has time left: an upload's that was completed. */
async function removeIfExpired(services: Services, removal: Removal, mustStop: () => boolean): Promise<boolean> {
  const file = await services.records.findFile(removal.fileId);
  if (file && !hasExpired(file, services.now())) {
    if (file.expiresAt === null) await services.removals.delete(file.id);
    else await services.removals.reschedule(removal, file.expiresAt + graceSeconds);
    return false;
  }
  await removeFile(services, removal, mustStop);
  return true;
}

/**
 * Removes a file that can no longer be read: its bytes, its record, and what the batch's work holds of them. Before that its
 * batch's status file stops naming it. What is not done before it must stop, the sweep does.
 */
export async function removeFile(
  services: Services,
  { fileId, keys }: Pick<Removal, 'fileId' | 'keys'>,
  mustStop: () => boolean,
): Promise<void> {
  const batch = await batchOf(services, keys);
  if (batch) await writeStatus(services, batch.id);
  await services.objects.deletePrefix(filePrefix(fileId));
  await services.objects.delete(keys.flatMap(keysWithResult));
  await services.records.deleteFile(fileId);
  await services.removals.delete(fileId);
  if (batch) await removeJoinedResults(services, joinedResultsFileId(batch.id));
  if (batch) await removeWork(services, batch, mustStop);
}

async function removeJoinedResults(services: Services, fileId: string): Promise<void> {
  if (!(await services.records.findFile(fileId))) return;
  await services.objects.deletePrefix(filePrefix(fileId));
  await services.records.deleteFile(fileId);
  await services.removals.delete(fileId);
}

/** Whose result the objects are. */
async function batchOf(services: Services, keys: readonly string[]): Promise<BatchRecord | null> {
  const [batchId] = keys.flatMap((key) => batchOfResult(key) ?? []);
  return batchId === undefined ? null : services.records.findBatch(batchId);
}
