import { ResultPlacesEncoder, requestsPerBlock } from '../../lines/result-places.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { IndexedShard } from '../shards/collected-shard.ts';
import type { LastRounds } from './last-rounds.ts';

/** Requests whose places are gathered at a time: half a megabyte. */
const requestsAtATime = 100 * requestsPerBlock;

/** Writes where each request's result stands in the result files, by the shards' indexes alone: nothing of the files is read. */
export async function writeResultPlaces(
  writer: ObjectWriter,
  shards: readonly IndexedShard[],
  lines: number,
  last: LastRounds,
): Promise<void> {
  const encoder = new ResultPlacesEncoder();
  const readers = shards.map((indexed) => ({ ...indexed, position: 0 }));
  for (let first = 0; first < lines; first += requestsAtATime) {
    const end = Math.min(lines, first + requestsAtATime);
    const lengths = new Uint32Array(end - first);
    const flags = new Uint8Array(end - first);
    for (const reader of readers) {
      const { shard, index } = reader;
      let { position } = reader;
      for (; position < index.length && index.ordinal(position) < end; position += 1) {
        const ordinal = index.ordinal(position);
        if (!last.isLast(ordinal, shard.round)) continue;
        lengths[ordinal - first] = index.byteLength(position);
        flags[ordinal - first] = index.flags(position);
      }
      reader.position = position;
    }
    for (const [place, length] of lengths.entries()) encoder.add(length, flags[place] ?? 0);
    await writer.write(encoder.take());
  }
  await writer.close();
}
