import type { Services } from './services.ts';

/** Bytes outlive their file so long: who read its record at the last moment has made a batch of it by then. */
export const graceSeconds = 3_600;

/** Notes that a file's bytes are to go. To be called before they are written, so that nothing is left behind whoever dies in between. */
export async function scheduleRemoval(
  services: Pick<Services, 'removals'>,
  fileId: string,
  endsAt: number,
  keys: string[] = [],
): Promise<void> {
  await services.removals.schedule({ fileId, keys, version: 0, dueAt: endsAt + graceSeconds });
}
