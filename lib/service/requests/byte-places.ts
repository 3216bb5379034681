import { inParallel } from '../../pipeline/parallel.ts';
import type { Objects } from '../../store/objects.ts';

/** Where some bytes stand; with an etag, only in that version of the object. */
export interface BytePlace {
  bucket: string;
  key: string;
  etag?: string | undefined;
  start: number;
  bytes: number;
}

/** Places of one object that are read by one call. */
interface Run {
  first: BytePlace;
  end: number;
  places: BytePlace[];
}

/** What is read for nothing between two places, rather than by another call. */
const maxGapBytes = 32 * 1024;
const maxRunBytes = 4 * 1024 * 1024;
const readsAtATime = 6;

/** Reads the bytes of many places, neighbours by one call. */
export async function readPlaces(objects: Objects, places: readonly BytePlace[]): Promise<Map<BytePlace, Buffer>> {
  const found = new Map<BytePlace, Buffer>();
  await inParallel(readsAtATime, runsOf(places), async ({ first, end, places: of }) => {
    const { bucket, key, etag } = first;
    const object = { bucket, key, ...(etag !== undefined && { etag }) };
    const bytes = await objects.readRange(object, first.start, end - first.start);
    for (const place of of) {
      const from = place.start - first.start;
      if (from + place.bytes > bytes.length) throw new Error(`${key} ends before byte ${place.start + place.bytes}.`);
      found.set(place, bytes.subarray(from, from + place.bytes));
    }
  });
  return found;
}

function runsOf(places: readonly BytePlace[]): Run[] {
  const runs: Run[] = [];
  for (const place of places.toSorted(byPosition)) {
    if (place.bytes === 0) continue;
    const last = runs.at(-1);
    const end = place.start + place.bytes;
    if (last && isNear(last, place)) {
      last.places.push(place);
      last.end = Math.max(last.end, end);
    } else runs.push({ first: place, end, places: [place] });
  }
  return runs;
}

function byPosition(left: BytePlace, right: BytePlace): number {
  if (left.key !== right.key) return left.key < right.key ? -1 : 1;
  return left.start - right.start;
}

function isNear({ first, end }: Run, { bucket, key, start, bytes }: BytePlace): boolean {
  return (
    first.bucket === bucket &&
    first.key === key &&
    start - end <= maxGapBytes &&
    start + bytes - first.start <= maxRunBytes
  );
}
