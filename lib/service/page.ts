export interface PageQuery {
  /** Id of the last object of the page before. */
  after?: string | undefined;
  limit: number;
}

export interface Page<Item> {
  items: Item[];
  hasMore: boolean;
}

/** Takes a page off a longer list, and looks whether there is more. */
export async function takePage<Item>(
  source: AsyncIterable<Item>,
  limit: number,
  isWanted: (item: Item) => boolean = () => true,
): Promise<Page<Item>> {
  const items: Item[] = [];
  for await (const item of source) {
    if (!isWanted(item)) continue;
    if (items.length === limit) return { items, hasMore: true };
    items.push(item);
  }
  return { items, hasMore: false };
}

/** A page of a list of which only so much was looked at. */
export interface LookedPage<Item> extends Page<Item> {
  looked: number;
  /** The last one that was looked at; the list goes on behind it. */
  last: Item | null;
}

interface Looking<Item> {
  limit: number;
  isWanted(item: Item): boolean;
  /** Asked before each look but the first. */
  mustStop(looked: number): boolean;
}

/** Takes what is wanted off a list, and stops early where that takes too long: there is more then, wanted or not. */
export async function lookThrough<Item>(
  source: AsyncIterable<Item>,
  { limit, isWanted, mustStop }: Looking<Item>,
): Promise<LookedPage<Item>> {
  const items: Item[] = [];
  let looked = 0;
  let last: Item | null = null;
  for await (const item of source) {
    if (items.length === limit || (looked > 0 && mustStop(looked))) return { items, hasMore: true, looked, last };
    looked += 1;
    last = item;
    if (isWanted(item)) items.push(item);
  }
  return { items, hasMore: false, looked, last };
}
