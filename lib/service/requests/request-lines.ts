import type { LineIndex } from '../../lines/line-index.ts';
import type { LineFormat } from '../../lines/request-line.ts';
import { readIndex } from '../../pipeline/shards/shard-lines.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';
import type { BytePlace } from './byte-places.ts';

/** A request as it was kept. */
export interface KeptRequest {
  customId: string | null;
  format: LineFormat;
  place: BytePlace;
}

/** A part of a batch's requests, by ordinals: from the first to before the end. */
export interface OrdinalRange {
  first: number;
  end: number;
}

/** The request lines that the shards of a batch's first round keep. */
export class RequestLines {
  readonly #objects: Objects;
  readonly #shards: readonly ShardRecord[];
  /** Of the shards of the last range. */
  #indexes = new Map<string, LineIndex>();

  constructor(objects: Objects, shards: readonly ShardRecord[]) {
    this.#objects = objects;
    this.#shards = shards;
  }

  /**
   * Finds the requests of a range, by ordinal.
   *
   * @throws NotFoundError where they are not kept any more.
   */
  async find(range: OrdinalRange): Promise<Map<number, KeptRequest>> {
    const found = new Map<number, KeptRequest>();
    const indexes = new Map<string, LineIndex>();
    for (const shard of this.#shards.filter((one) => mayHold(one, range))) {
      const index = this.#indexes.get(shard.indexKey) ?? (await readIndex(this.#objects, shard));
      let start = 0;
      let holdsAny = false;
      for (let position = 0; position < index.length && index.ordinal(position) < range.end; position += 1) {
        const ordinal = index.ordinal(position);
        const bytes = index.byteLength(position);
        if (ordinal >= range.first) {
          const place = { bucket: this.#objects.bucket, key: shard.linesKey, start, bytes };
          found.set(ordinal, { customId: index.customId(position), format: index.format(position), place });
          holdsAny = true;
        }
        start += bytes + 1;
      }
      if (holdsAny) indexes.set(shard.indexKey, index);
    }
    this.#indexes = indexes;
    return found;
  }
}

/** Whether a shard may hold some of these requests; records of earlier releases do not say which they hold. */
export function mayHold({ ordinals }: ShardRecord, { first, end }: OrdinalRange): boolean {
  return !ordinals || (ordinals.first < end && ordinals.last >= first);
}
