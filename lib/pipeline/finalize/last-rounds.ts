import type { IndexedShard } from '../shards/collected-shard.ts';

/** Which sending of each line counts: its last one. One byte a line. */
export class LastRounds {
  readonly #rounds: Uint8Array;

  constructor(shards: readonly IndexedShard[], lines: number) {
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
}
