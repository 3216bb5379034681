import { hasExpired } from '../../records/file.ts';
import { filePrefix } from '../../records/object-keys.ts';
import type { Removal } from '../../records/removal.ts';
import { graceSeconds } from '../removal-schedule.ts';
import type { Services } from '../services.ts';

/**
 * Removes the bytes of files whose time is over and of uploads that were not completed, but no object that an unfinished
 * batch reads: that one stays until the batch has ended.
 *
 * @param inUse ids of files and keys of objects.
 * @returns how many were removed.
 */
export async function removeDue(services: Services, inUse: ReadonlySet<string>, signal: AbortSignal): Promise<number> {
  let removed = 0;
  for await (const removal of services.removals.due(Math.floor(services.now() / 1_000))) {
    if (signal.aborted) break;
    if ([removal.fileId, ...removal.keys].some((name) => inUse.has(name))) continue;
    if (await remove(services, removal)) removed += 1;
  }
  return removed;
}

/** @returns false for a file that has time left: an upload's that was completed. */
async function remove(services: Services, removal: Removal): Promise<boolean> {
  const { fileId, keys } = removal;
  const file = await services.records.findFile(fileId);
  if (file && !hasExpired(file, services.now())) {
    if (file.expiresAt === null) await services.removals.delete(fileId);
    else await services.removals.postpone(removal, file.expiresAt + graceSeconds);
    return false;
  }
  await services.objects.deletePrefix(filePrefix(fileId));
  await services.objects.delete(keys);
  await services.records.deleteFile(fileId);
  await services.removals.delete(fileId);
  return true;
}
