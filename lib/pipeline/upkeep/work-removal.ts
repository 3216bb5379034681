import type { BatchRecord } from '../../records/batch.ts';
import { messageOf, safeText } from '../../records/errors.ts';
import { batchOfWork, keysWithResult, resultKey, workPrefix, workRoot } from '../../records/object-keys.ts';
import { type GoneFiles, goesWith, settledAt, workKeptUntil } from '../../records/retention.ts';
import { goneFiles } from '../gone-files.ts';
import { inParallel } from '../parallel.ts';
import { graceSeconds } from '../removal-schedule.ts';
import { type Services, unixSeconds } from '../services.ts';

/** Lists of 1,000 batches that one run looks at. */
const pagesPerRun = 2;
/** Looks are a few reads each; a folder is listed only where something of it may go. */
const batchesAtATime = 10;

/**
 * Removes what is kept no longer of the work of ended batches. Each run goes on where the last one stopped; of a batch that is
 * too large for one run it removes what it can.
 *
 * @returns how many objects were removed.
 */
export async function removeOldWork(services: Services, mustStop: () => boolean): Promise<number> {
  const begun = await services.cursors.read('work');
  let after = begun;
  let removed = 0;
  for (let pages = 0; pages < pagesPerRun && !mustStop(); pages += 1) {
    const { folders, next } = await services.objects.listFolders(workRoot, after);
    await inParallel(batchesAtATime, folders, async (folder) => {
      if (!mustStop()) removed += await removeOldWorkIn(services, folder, mustStop);
    });
    if (mustStop()) break;
    after = next ?? '';
    if (next === null) break;
  }
  if (after !== begun) await services.cursors.write('work', after);
  return removed;
}

/** One batch's trouble is its own. */
async function removeOldWorkIn(services: Services, folder: string, mustStop: () => boolean): Promise<number> {
  const batchId = batchOfWork(folder);
  try {
    const batch = batchId === null ? null : await services.records.findBatch(batchId);
    return batch ? await removeWork(services, batch, mustStop) : 0;
  } catch (error) {
    services.log.error('The work of a batch could not be removed.', { batchId, error: safeText(messageOf(error)) });
    return 0;
  }
}

/**
 * Removes of a batch's work what is kept no longer: all of it some days after the batch's end, and what stood in its files when
 * those are gone. While a batch runs everything stays.
 *
 * @returns how many objects were removed.
 */
export async function removeWork(services: Services, batch: BatchRecord, mustStop: () => boolean): Promise<number> {
  const ended = settledAt(batch);
  if (ended === null) return 0;
  // Whoever asked at the last moment to collect its results again has made it an unfinished batch by then.
  const isOver = unixSeconds(services) >= workKeptUntil(ended, services.config.workKeepDays) + graceSeconds;
  const gone = isOver ? null : await goneFiles(services, batch);
  if (gone && !gone.input && !gone.output && !gone.errors) return 0;
  // Should a late run have written one anew.
  if (gone) await services.objects.delete(resultsOf(batch.id, gone));
  let removed = 0;
  for (let after: string | null = ''; after !== null && !mustStop(); ) {
    const { objects, next } = await services.objects.listPage(workPrefix(batch.id), after);
    const keys = objects.map(({ key }) => key).filter((key) => gone === null || goesWith(gone, key));
    await services.objects.delete(keys);
    removed += keys.length;
    after = next;
  }
  return removed;
}

function resultsOf(batchId: string, { output, errors }: GoneFiles): string[] {
  return [
    ...(output ? [resultKey(batchId, 'output.jsonl')] : []),
    ...(errors ? keysWithResult(resultKey(batchId, 'errors.jsonl')) : []),
  ];
}
