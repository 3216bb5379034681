import { TransientError } from '../../../records/errors.ts';

interface Page<Item> {
  data: Item[];
  hasNextPage(): boolean;
}

/**
 * All items of a list, page by page, in the provider's order.
 *
 * @param fetchPage answers the page behind the item of that id, or the first one.
 * @throws TransientError where the list does not go on: half a list must not pass for the whole.
 */
export async function* everyPage<Item extends { id: string }>(
  fetchPage: (afterId: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<Item> {
  let afterId: string | undefined;
  for (;;) {
    const page = await fetchPage(afterId);
    yield* page.data;
    if (!page.hasNextPage()) return;
    const lastId = page.data.at(-1)?.id;
    if (lastId === afterId) throw new TransientError(`The provider's list does not go on behind ${lastId}.`);
    afterId = lastId;
  }
}
