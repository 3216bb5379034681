/** Some of a batch's lines, by their ordinals: one bit for each line of the batch. */
export class OrdinalSet {
  readonly #bits: Uint8Array;
  #size = 0;

  /** @param lines of the whole batch. */
  constructor(lines: number) {
    this.#bits = new Uint8Array(Math.ceil(lines / 8));
  }

  get size(): number {
    return this.#size;
  }

  add(ordinal: number): void {
    if (this.has(ordinal)) return;
    const byte = ordinal >> 3;
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (ordinal & 7));
    this.#size += 1;
  }

  has(ordinal: number): boolean {
    return ((this.#bits[ordinal >> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
  }
}
