import { createHash } from 'node:crypto';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const base16 = '0123456789abcdef';

/** 32-bit hash of a text, the same in every process. */
function hashText(text: string): number {
  return createHash('md5').update(text).digest().readUInt32LE(0);
}

/** Numbers that look random and are a function of the seed alone (the mulberry32 generator). */
export class SeededRandom {
  #state: number;

  constructor(seed: string | number) {
    this.#state = typeof seed === 'number' ? seed : hashText(seed);
  }

  /** @returns a number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** @returns an integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  base62(length: number): string {
    return this.#text(base62, length);
  }

  hex(length: number): string {
    return this.#text(base16, length);
  }

  #text(alphabet: string, length: number): string {
    let text = '';
    while (text.length < length) text += alphabet[this.below(alphabet.length)];
    return text;
  }
}

/**
 * The order in which a batch's lines finish: a shuffle that depends on the seed alone.
 *
 * @returns for each position the line's index.
 */
export function completionOrder(seed: string, total: number): Uint32Array {
  const order = Uint32Array.from({ length: total }, (_, index) => index);
  const random = new SeededRandom(seed);
  for (let last = total - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const swapped = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = swapped;
  }
  return order;
}

/** @returns the ascending positions, in the order of completion, of the given lines. */
export function positionsOf(lines: ReadonlySet<number>, seed: string, total: number): number[] {
  if (lines.size === 0) return [];
  const positions: number[] = [];
  for (const [position, line] of completionOrder(seed, total).entries()) if (lines.has(line)) positions.push(position);
  return positions;
}
