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
