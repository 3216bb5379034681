/** A copy of some bytes in which pieces are replaced, made from front to back; always in the same memory. */
export class EditedBytes {
  #source: Buffer = Buffer.alloc(0);
  #copied = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  begin(source: Buffer): void {
    this.#source = source;
    this.#copied = 0;
    this.#length = 0;
  }

  /** Replaces what stands from `start` to before `end`, behind whatever was replaced so far. */
  replace(start: number, end: number, value: Buffer): void {
    this.#copyUntil(start, value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#copied = end;
  }

  /**
   * @param end where the copy ends; what stands behind is left out.
   * @returns the copy, good until the next begins.
   */
  finish(end: number): Buffer {
    this.#copyUntil(end, 0);
    return this.#bytes.subarray(0, this.#length);
  }

  #copyUntil(end: number, more: number): void {
    const needed = this.#length + end - this.#copied + more;
    if (needed > this.#bytes.length) this.#grow(Math.max(needed, this.#source.length + this.#source.length / 4));
    this.#length += this.#source.copy(this.#bytes, this.#length, this.#copied, end);
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.ceil(bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
