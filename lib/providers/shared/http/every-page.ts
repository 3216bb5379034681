import { TransientError } from '../../../records/errors.ts';

interface Page<Item> {
  items: Item[];
  /** What names the page behind this one; absent behind the last. A page may be empty and not be the last. */
  next?: string | null | undefined;
}

/** A list that was not read to its end, and will not be: what is not in it may still be there. */
export class UnendingListError extends TransientError {}

/**
 * All items of a list, page by page, each once, in whatever order the provider has them.
 *
 * @param fetchPage answers the page that `next` of the one before names, or the first one.
 * @param idOf what tells items apart: those that are created meanwhile move others to a later page.
 * @throws UnendingListError where the list does not go on, or has more than `maxPages`: half a list must not pass for the
 * whole.
 */
export async function* everyPage<Item>(
  fetchPage: (position: string | undefined) => Promise<Page<Item>>,
  idOf: (item: Item) => string,
  maxPages = Number.POSITIVE_INFINITY,
): AsyncGenerator<Item> {
  const positions = new Set<string>();
  const ids = new Set<string>();
  let position: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const { items, next } = await fetchPage(position);
    const fresh = items.filter((item) => !ids.has(idOf(item)));
    for (const item of fresh) ids.add(idOf(item));
    yield* fresh;
    if (!next) return;
    const repeats = positions.has(next) || (items.length > 0 && fresh.length === 0);
    if (repeats) throw new UnendingListError("A page of the provider's list came again: it does not go on.");
    if (pages >= maxPages) throw new UnendingListError(`The provider's list has more than ${maxPages} pages.`);
    positions.add(next);
    position = next;
  }
}
