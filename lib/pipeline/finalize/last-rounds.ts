import { OrdinalSet } from '../../lines/ordinal-set.ts';
import type { IndexedShard } from '../shards/collected-shard.ts';

/** Which sending of each line counts: its last one. One byte a line. */
export class LastRounds {
  readonly #shards: readonly IndexedShard[];
  readonly #rounds: Uint8Array;

  constructor(shards: readonly IndexedShard[], lines: number) {
    this.#shards = shards;
    this.#rounds = new Uint8Array(lines);
    for (const { shard, index } of shards) {
      for (let position = 0; position < index.length; position += 1) {
        const ordinal = index.ordinal(position);
        if (shard.round > (this.#rounds[ordinal] ?? 0)) this.#rounds[ordinal] = shard.round;
      }
    }
  }

  isLast(ordinal: number, round: number): boolean {
    return this.#rounds[ordinal] === round;
  }

  /** The lines whose last sending has no answer. */
  failed(): OrdinalSet {
    const failed = new OrdinalSet(this.#rounds.length);
    for (const { shard, index } of this.#shards) {
      for (let position = 0; position < index.length; position += 1) {
        const { ordinal, succeeded } = index.entry(position);
        if (!succeeded && this.isLast(ordinal, shard.round)) failed.add(ordinal);
      }
    }
    return failed;
  }
}
