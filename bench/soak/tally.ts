/** Counts by name. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, this.of(name) + count);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** By name, in the alphabet's order. */
  entries(): [string, number][] {
    return [...this.#counts].toSorted(([left], [right]) => left.localeCompare(right));
  }
}
