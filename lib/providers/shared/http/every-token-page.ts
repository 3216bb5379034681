import { TransientError } from '../../../records/errors.ts';

/**
 * All items of a list whose pages name the next one by a token. A page may be empty and not be the last.
 *
 * @throws TransientError where the list does not go on: half a list must not pass for the whole.
 */
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
