import { z } from 'zod';
import { TransientError } from '../../core/errors.ts';

/** All items of a list whose pages name the next one by a token; half a list must not pass for the whole. */
export async function* everyTokenPage<Item>(
  fetchPage: (pageToken: string | undefined) => Promise<{ items: Item[]; nextPageToken?: string | undefined }>,
): AsyncGenerator<Item> {
  let pageToken: string | undefined;
  for (;;) {
    const page = await fetchPage(pageToken);
    yield* page.items;
    if (!page.nextPageToken) return;
    if (page.nextPageToken === pageToken) throw new TransientError("The provider's list does not go on.");
    pageToken = page.nextPageToken;
  }
}

/** A count of 64 bits, which JSON of Google's writes as a string; absent where it is 0. */
export const countSchema = z
  .union([z.string(), z.number()])
  .transform(Number)
  .pipe(z.number().int().nonnegative())
  .optional()
  .catch(undefined)
  .transform((count) => count ?? 0);

/** @returns unix seconds, or null. */
export function secondsOf(time: string | null | undefined): number | null {
  const milliseconds = Date.parse(time ?? '');
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000);
}

/** `JOB_STATE_RUNNING`, or `BATCH_STATE_RUNNING` as the Gemini API writes it, is `RUNNING`. */
export function bareState(state: string): string {
  return state.replace(/^(JOB|BATCH)_STATE_/, '');
}
