const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);
const openBracket = 0x5b;
const spaces = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Takes the elements out of the array `results` of a JSON object, as its bytes come; memory holds one of them. What stands around them
 * is the object with an empty array.
 */
export class InlineResults {
  readonly #around: Buffer[] = [];
  #element: Buffer[] = [];
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** The string that stands last among the object's own members, while it is a name. */
  #name: number[] = [];
  #isInArray = false;
  #isInElement = false;

  /** @returns the elements that are whole now. */
  push(bytes: Uint8Array): Buffer[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const whole: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#isInString) {
        this.#readString(byte);
        continue;
      }
      const isElementsEnd = this.#isInArray && this.#depth === 2 && (byte === comma || closings.has(byte));
      if (isElementsEnd) {
        if (this.#isInElement) whole.push(this.#endElement(chunk.subarray(start, at)));
        start = byte === comma ? at + 1 : at;
        this.#isInArray = byte === comma;
      } else if (this.#isInArray && this.#depth === 2 && !this.#isInElement && !spaces.has(byte)) {
        this.#isInElement = true;
        start = at;
      }
      if (byte === quote) this.#beginString();
      else if (openings.has(byte)) this.#depth += 1;
      else if (closings.has(byte)) this.#depth -= 1;
      if (byte === openBracket && this.#depth === 2 && !this.#isInArray && this.#isNamedResults()) {
        this.#around.push(chunk.subarray(start, at + 1));
        this.#isInArray = true;
        start = at + 1;
      }
    }
    this.#keep(chunk.subarray(start));
    return whole;
  }

  /** The object without its elements, once all bytes were pushed. */
  around(): string {
    return Buffer.concat(this.#around).toString('utf8');
  }

  #keep(rest: Buffer): void {
    if (this.#isInElement) this.#element.push(Buffer.from(rest));
    else if (!this.#isInArray) this.#around.push(Buffer.from(rest));
  }

  #endElement(rest: Buffer): Buffer {
    const element = Buffer.concat([...this.#element, rest]);
    this.#element = [];
    this.#isInElement = false;
    return element;
  }

  #beginString(): void {
    this.#isInString = true;
    if (this.#depth === 1) this.#name = [];
  }

  #readString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
    if (this.#isInString && this.#depth === 1 && this.#name.length <= resultsName.length) this.#name.push(byte);
  }

  #isNamedResults(): boolean {
    return Buffer.from(this.#name).toString('latin1') === resultsName;
  }
}

const resultsName = 'results';
