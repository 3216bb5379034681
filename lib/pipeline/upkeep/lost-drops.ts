import { z } from 'zod';
import type { BatchRecord } from '../../records/batch.ts';
import { messageOf, safeText } from '../../records/errors.ts';
import { inboxPrefix, isNoInput, statusKey } from '../../records/object-keys.ts';
import { kindByName } from '../../records/table-kind.ts';
import type { ListedObject } from '../../store/objects.ts';
import { withoutQuotes } from '../drop-options.ts';
import { intake, takeUpTable } from '../intake/intake.ts';
import { inParallel } from '../parallel.ts';
import { type Services, unixSeconds } from '../services.ts';
import { parseJson } from '../status-file.ts';

/** Younger drops may have an event that is still on its way. */
const minAgeSeconds = 10 * 60;
/** EventBridge tries an event for so long. Older objects are not looked at: their status may have been removed. */
const maxAgeSeconds = 24 * 60 * 60;

/** Lists of 1,000 objects that one run asks for: with a run each quarter of an hour, 1.9 million objects a day. */
const pagesPerRun = 20;
/** Drops of the last day whose status files one run asks for, rounded up to whole lists. */
const looksPerRun = 1_000;
const looksAtATime = 10;

export interface LostDrops {
  /** Drops that were handed to intake. */
  takenUp: number;
  /** Why some of them could not be taken. */
  failures: unknown[];
}

/**
 * Takes up drops whose event was lost: S3 sends none within the first minutes of a deployment. Such a drop is in the inbox, and its
 * key has no status file, or that of an earlier drop. Each run goes on where the last one stopped. A drop that was taken is known by
 * its bytes and its time, so an event that comes late, or at the same moment, makes no second batch of it.
 */
export async function takeUpLostDrops(services: Services, signal: AbortSignal): Promise<LostDrops> {
  const lost: LostDrops = { takenUp: 0, failures: [] };
  const isDue = await dueDrops(services);
  const begun = await services.cursors.read('inbox');
  let after = begun;
  for (let pages = 0, looks = 0; pages < pagesPerRun && looks < looksPerRun; pages += 1) {
    const { objects, next } = await services.objects.listPage(inboxPrefix, after);
    const drops = objects.filter(isDue);
    await inParallel(looksAtATime, drops, (drop) => takeUpIfLost(services, drop, lost, signal));
    if (signal.aborted) break;
    looks += drops.length;
    after = next ?? '';
    if (next === null) break;
  }
  if (after !== begun) await services.cursors.write('inbox', after);
  return lost;
}

/** What is older than the table was dropped for a deployment before this one, which kept its bucket. */
async function dueDrops(services: Services): Promise<(object: ListedObject) => boolean> {
  const nowSeconds = unixSeconds(services);
  const oldest = Math.max(nowSeconds - maxAgeSeconds, await services.records.createdAtSeconds());
  return ({ key, lastModified }) =>
    lastModified >= oldest && lastModified <= nowSeconds - minAgeSeconds && !isNoInput(key);
}

async function takeUpIfLost(
  services: Services,
  drop: ListedObject,
  lost: LostDrops,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const { key } = drop;
  try {
    if (await isTaken(services, drop)) {
      // A table may wait for its template, or have waited long enough.
      if (kindByName(key) !== 'requests') await takeUpTable(services, { bucket: services.objects.bucket, key });
      return;
    }
    const batchId = await intake(services, { bucket: services.objects.bucket, key, etag: null, sequencer: null });
    lost.takenUp += 1;
    services.log.warn('A drop had no status file of its own; it is taken up without its event.', { batchId, key });
  } catch (error) {
    lost.failures.push(error);
    services.log.error('A drop without a status file of its own could not be taken up.', {
      key,
      error: safeText(messageOf(error)),
    });
  }
}

/** Status files of earlier releases have no ETag. */
const statusSchema = z.object({
  batch_id: z.string().nullable(),
  etag: z.string().nullish(),
  last_modified: z.number().nullish(),
});

/** Whether the status file of a drop's key tells of this very drop: the same key may have been dropped before. */
async function isTaken(services: Services, drop: ListedObject): Promise<boolean> {
  const file = await services.objects.readText(statusKey(drop.key));
  const status = file && statusSchema.safeParse(parseJson(file.text)).data;
  if (!status) return false;
  if (status.batch_id === null)
    return status.last_modified === drop.lastModified && isSame(status.etag ?? drop.etag, drop);
  const batch = await services.records.findBatch(status.batch_id);
  return batch !== null && isMadeOf(batch, drop);
}

/** Batches of release 0.1 have no time. The same bytes under the same idempotency key are no drop of their own. */
function isMadeOf({ input, lastModified, options }: BatchRecord, drop: ListedObject): boolean {
  const isOfTime = lastModified === null || lastModified === drop.lastModified;
  return (isOfTime || options.idempotency_key !== undefined) && input.some(({ etag }) => isSame(etag, drop));
}

function isSame(etag: string, drop: ListedObject): boolean {
  return withoutQuotes(etag) === withoutQuotes(drop.etag);
}
