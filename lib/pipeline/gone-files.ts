import type { BatchRecord } from '../records/batch.ts';
import { hasExpired } from '../records/file.ts';
import type { GoneFiles } from '../records/retention.ts';
import type { Services } from './services.ts';

/** Which files of a batch are no longer there. */
export async function goneFiles(services: Services, batch: BatchRecord): Promise<GoneFiles> {
  const [input, output, errors] = await Promise.all([
    isGone(services, batch.inputFileId),
    isGone(services, batch.outputFileId),
    isGone(services, batch.errorFileId),
  ]);
  return { input, output, errors };
}

export async function isAnyGone(services: Services, batch: BatchRecord): Promise<boolean> {
  return Object.values(await goneFiles(services, batch)).includes(true);
}

/** Whether a part of the results table is no longer there: its owner wants none, and none is made again. */
export async function isTableGone(
  services: Services,
  { resultTable }: Pick<BatchRecord, 'resultTable'>,
): Promise<boolean> {
  const gone = await Promise.all((resultTable?.parts ?? []).map(({ fileId }) => isGone(services, fileId)));
  return gone.includes(true);
}

/** Whether a file was deleted or is past its time. One that never was is not gone. */
export async function isGone(services: Services, fileId: string | null): Promise<boolean> {
  if (fileId === null) return false;
  const file = await services.records.findFile(fileId);
  return file === null || hasExpired(file, services.now());
}
