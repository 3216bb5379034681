const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Depth at which the members of the body's own object stand, and the elements of its arrays. */
const memberDepth = 1;
const elementDepth = 2;
/** Names are compared with `requests` only, so more of a long string is not kept. */
const maxNameBytes = 16;

/** Where the bytes between two turning points belong. */
type Place = 'skeleton' | 'element' | 'between elements';

/**
 * Splits a creation's body into the elements of its `requests`, as the bytes come in; holds one element at a time.
 *
 * What stands around the elements is the skeleton, which is JSON again once the elements are taken out: parsing it
 * tells whether the body was well formed, and what else was in it.
 */
export class RequestSplitter {
  #place: Place = 'skeleton';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** The last string among the body's own members: the name of the member whose value follows. */
  #nameBytes: number[] = [];
  #pieces: Buffer[] = [];
  #skeleton: Buffer[] = [];
  #elements = 0;
  #commas = 0;

  /** @returns the elements that are complete now, as raw JSON. */
  push(chunk: Buffer): string[] {
    const complete: string[] = [];
    let start = 0;
    for (let position = 0; position < chunk.length; position++) {
      const before = this.#place;
      const turn = this.#read(chunk[position] ?? 0);
      if (turn === null) continue;
      const end = turn.isAfterByte ? position + 1 : position;
      this.#keep(before, chunk.subarray(start, end));
      start = end;
      this.#place = turn.place;
      if (before === 'element') complete.push(this.#takeElement());
    }
    this.#keep(this.#place, chunk.subarray(start));
    return complete;
  }

  /** @returns the body without its elements; a text that is not JSON if the body was malformed. */
  finish(): string {
    const isWellSeparated = this.#commas === Math.max(0, this.#elements - 1);
    return isWellSeparated ? Buffer.concat(this.#skeleton).toString('utf8') : '';
  }

  /** @returns where the bytes belong from here on, if that changes at this byte. */
  #read(byte: number): { place: Place; isAfterByte: boolean } | null {
    if (this.#isInString) {
      this.#readInString(byte);
      return null;
    }
    const turn = this.#place === 'skeleton' ? null : this.#turnInRequests(byte);
    if (byte === quote) this.#openString();
    else if (byte === openBracket || byte === openBrace) this.#depth += 1;
    else if (byte === closeBracket || byte === closeBrace) this.#depth -= 1;
    if (turn !== null) return turn;
    const opensList = this.#place === 'skeleton' && byte === openBracket && this.#depth === elementDepth;
    return opensList && this.#isNamedRequests() ? { place: 'between elements', isAfterByte: true } : null;
  }

  #isNamedRequests(): boolean {
    return Buffer.from(this.#nameBytes).toString('latin1') === 'requests';
  }

  #turnInRequests(byte: number): { place: Place; isAfterByte: boolean } | null {
    if (this.#depth !== elementDepth) return null;
    if (byte === comma) {
      this.#commas += 1;
      return { place: 'between elements', isAfterByte: false };
    }
    if (byte === closeBracket) return { place: 'skeleton', isAfterByte: false };
    if (this.#place === 'element' || isWhitespace(byte)) return null;
    this.#elements += 1;
    return { place: 'element', isAfterByte: false };
  }

  #openString(): void {
    this.#isInString = true;
    if (this.#depth === memberDepth) this.#nameBytes = [];
  }

  #readInString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
    if (this.#isInString && this.#depth === memberDepth && this.#nameBytes.length < maxNameBytes) {
      this.#nameBytes.push(byte);
    }
  }

  #keep(place: Place, bytes: Buffer): void {
    if (bytes.length === 0 || place === 'between elements') return;
    if (place === 'element') this.#pieces.push(bytes);
    else this.#skeleton.push(bytes);
  }

  #takeElement(): string {
    const element = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    return element;
  }
}

function isWhitespace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
