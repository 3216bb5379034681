/** A copy of some bytes in which pieces are replaced, made from front to back. */
export class EditedBytes {
  readonly #source: Buffer;
  #copied = 0;
  #bytes: Buffer;
  #length = 0;

  /** @param added about how much longer the copy will be. */
  constructor(source: Buffer, added: number) {
    this.#source = source;
    this.#bytes = Buffer.allocUnsafeSlow(source.length + added);
  }

  /** Replaces what stands from `start` to before `end`, behind whatever was replaced so far. */
  replace(start: number, end: number, value: Buffer): void {
    this.#copyUntil(start, value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#copied = end;
  }

  /** @param end where the copy ends; what stands behind is left out. */
  finish(end: number): Buffer {
    this.#copyUntil(end, 0);
    return this.#bytes.subarray(0, this.#length);
  }

  #copyUntil(end: number, more: number): void {
    const needed = this.#length + end - this.#copied + more;
    if (needed > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * needed);
    this.#length += this.#source.copy(this.#bytes, this.#length, this.#copied, end);
  }
}
