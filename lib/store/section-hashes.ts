import { createHash, type Hash } from 'node:crypto';

/** A contiguous range of an object that one writer wrote. */
export interface Section {
  bytes: number;
  /** In hex, of this section alone; null if its writer computed none. */
  sha256: string | null;
}

/** Computes the SHA-256 of each section of an object; some sections bring theirs along. */
export class SectionHashes {
  readonly #sections: Section[] = [];
  #hash: Hash = createHash('sha256');
  #bytes = 0;

  /** Adds bytes to the current section. */
  update(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
  }

  add(section: Section): void {
    this.#endSection();
    this.#sections.push(section);
  }

  /** @returns the sections in their order; one, of no bytes, for an empty object. */
  finish(): Section[] {
    if (this.#bytes > 0 || this.#sections.length === 0) this.#endSection(true);
    return this.#sections;
  }

  #endSection(evenIfEmpty = false): void {
    if (this.#bytes === 0 && !evenIfEmpty) return;
    this.#sections.push({ bytes: this.#bytes, sha256: this.#hash.digest('hex') });
    this.#hash = createHash('sha256');
    this.#bytes = 0;
  }
}
