import type { ComponentChildren, HTMLAttributes, Ref } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows beyond both edges of what is seen, so that a quick turn of the wheel shows no gap. */
const spareRows = 12;

interface WindowedProps<Item> {
  items: readonly Item[];
  /** Of each row, in CSS pixels. */
  rowHeight: number;
  row: (item: Item, index: number) => ComponentChildren;
}

/** Rows of one height, of which only those near the screen exist: ten thousand scroll as ten do. */
export function Windowed<Item>({ items, rowHeight, row }: WindowedProps<Item>) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, end: 60 });

  useLayoutEffect(() => {
    const look = () => {
      const top = box.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / rowHeight) - spareRows);
      const end = Math.ceil((innerHeight - top) / rowHeight) + spareRows;
      setRange((before) => (before.first === first && before.end === end ? before : { first, end }));
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [rowHeight, items.length]);

  const first = Math.min(range.first, Math.max(0, items.length - 1));
  const shownItems = items.slice(first, Math.max(range.end, first));
  const below = items.length - first - shownItems.length;
  return (
    <GridPart
      place={box}
      role="rowgroup"
      style={{ paddingTop: `${first * rowHeight}px`, paddingBottom: `${below * rowHeight}px` }}
    >
      {shownItems.map((item, offset) => row(item, first + offset))}
    </GridPart>
  );
}

/** A table's part that is no element of a table, so that its rows can stand differently on a small screen. */
export function GridPart({ place, ...given }: HTMLAttributes<HTMLDivElement> & { place?: Ref<HTMLDivElement> }) {
  return <div {...(place && { ref: place })} {...given} />;
}

/** Whether a media query holds, as the window changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useLayoutEffect(() => {
    const list = matchMedia(query);
    const look = () => setHolds(list.matches);
    look();
    list.addEventListener('change', look);
    return () => list.removeEventListener('change', look);
  }, [query]);
  return holds;
}
