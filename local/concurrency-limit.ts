/** Lets a number of tasks run at a time; the others wait in order. */
export class ConcurrencyLimit {
  readonly #max: () => number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param max one that changes takes hold with the next task that comes or ends, and with `review`. */
  constructor(max: number | (() => number)) {
    this.#max = typeof max === 'number' ? () => max : max;
  }

  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    await this.#enter();
    try {
      return await task();
    } finally {
      this.#running -= 1;
      this.review();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#max()) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Starts those that wait as far as there is room. Each has its place at once, so that nobody can step in between. */
  review(): void {
    while (this.#running < this.#max()) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running += 1;
      next();
    }
  }
}
