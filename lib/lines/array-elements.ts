const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const newline = 0x0a;
const carriageReturn = 0x0d;
/** Of JSON. */
const whiteSpace: ReadonlySet<number> = new Set([0x20, 0x09, newline, carriageReturn]);

/** Stands for an element in what is left of the body. */
const placeholder = Buffer.from('0');
/** What may stand beside the elements: options and their values. */
const maxRestBytes = 1024 * 1024;

/** A part of the body is longer than it may be. */
export class TooLongError extends Error {
  override readonly name = 'TooLongError';
}

export interface ArrayElementLimits {
  /** Bytes of one element. */
  maxElementBytes: number;
}

/**
 * Takes the elements of one array out of a JSON object while its bytes come in: `{"requests": [...], ...}`. Memory holds one element
 * and what stands around them.
 */
export class ArrayElements {
  readonly #name: Buffer;
  readonly #maxElementBytes: number;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** The last string among the object's own members, raw, and whether a colon came after it. */
  #lastString: Buffer[] = [];
  #isNamed = false;
  /** Whether the bytes are in the array, and whether in an element of it. */
  #isInArray = false;
  #isInElement = false;
  #element: Buffer[] = [];
  #elementBytes = 0;
  readonly #rest = new GrowingBytes();
  #count = 0;

  /** @param name of the member, plain ASCII. */
  constructor(name: string, { maxElementBytes }: ArrayElementLimits) {
    this.#name = Buffer.from(name);
    this.#maxElementBytes = maxElementBytes;
  }

  /**
   * @returns the elements that end in this chunk, each without line breaks between its tokens: one line of JSON if it is valid JSON.
   * @throws TooLongError
   */
  push(chunk: Buffer): Buffer[] {
    const complete: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#isInString) {
        this.#readInString(byte, chunk, at);
        continue;
      }
      if (this.#endsElement(byte)) {
        complete.push(this.#takeElement(chunk.subarray(start, at)));
        start = at;
      } else if (this.#beginsElement(byte)) {
        this.#keepRest(chunk.subarray(start, at));
        this.#isInElement = true;
        start = at;
      }
      this.#read(byte);
    }
    const left = chunk.subarray(start);
    if (this.#isInElement) this.#keepElement(left);
    else this.#keepRest(left);
    return complete;
  }

  /**
   * @returns the text of the object with a number for each element, and how many elements there were: it is valid JSON, with that many
   * numbers in the array, exactly if all around the elements was.
   */
  finish(): { rest: string; count: number } {
    return { rest: this.#rest.text(), count: this.#count };
  }

  #beginsElement(byte: number): boolean {
    return this.#isInArray && !this.#isInElement && byte > 0x20 && byte !== comma && byte !== closeBracket;
  }

  #endsElement(byte: number): boolean {
    return this.#isInElement && this.#depth === 2 && (byte === comma || byte === closeBracket);
  }

  #read(byte: number): void {
    switch (byte) {
      case quote:
        this.#isInString = true;
        if (this.#depth === 1) {
          this.#lastString = [];
          this.#isNamed = false;
        }
        return;
      case colon:
        this.#isNamed = this.#depth === 1;
        return;
      case openBracket:
      case openBrace:
        this.#depth += 1;
        if (byte === openBracket && this.#depth === 2 && this.#isArrayNamed()) this.#isInArray = true;
        return;
      case closeBracket:
      case closeBrace:
        this.#depth -= 1;
        if (this.#depth === 1) this.#isInArray = false;
        return;
    }
  }

  #isArrayNamed(): boolean {
    return this.#isNamed && Buffer.concat(this.#lastString).equals(this.#name);
  }

  #readInString(byte: number, chunk: Buffer, at: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === backslash) this.#isEscaped = true;
    else if (byte === quote) this.#isInString = false;
    const isName = this.#depth === 1 && this.#isInString && this.#lastString.length <= this.#name.length;
    if (isName) this.#lastString.push(chunk.subarray(at, at + 1));
  }

  #takeElement(last: Buffer): Buffer {
    this.#keepElement(last);
    const bytes = Buffer.concat(this.#element);
    this.#element = [];
    this.#elementBytes = 0;
    this.#isInElement = false;
    this.#count += 1;
    this.#keepRest(placeholder);
    return withoutLineBreaks(bytes);
  }

  #keepElement(piece: Buffer): void {
    this.#elementBytes += piece.length;
    if (this.#elementBytes > this.#maxElementBytes)
      throw new TooLongError(`${this.#name.toString()}.${this.#count}: longer than ${this.#maxElementBytes} bytes`);
    this.#element.push(Buffer.from(piece));
  }

  #keepRest(piece: Buffer): void {
    // Between elements there may be as much white space as there are elements, and nobody needs it.
    const kept = this.#isInArray && this.#count > 0 ? piece.filter((byte) => !whiteSpace.has(byte)) : piece;
    if (this.#rest.length + kept.length > maxRestBytes)
      throw new TooLongError(`What stands beside '${this.#name.toString()}' is longer than ${maxRestBytes} bytes`);
    this.#rest.push(kept);
  }
}

/** Bytes in one buffer of their own. A small Buffer for each piece would keep the 8 KB alive that Node cut it from. */
class GrowingBytes {
  #bytes = Buffer.alloc(1024);
  length = 0;

  push(piece: Uint8Array): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * length);
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  text(): string {
    return this.#bytes.toString('utf8', 0, this.length);
  }
}

/** Within its strings, valid JSON has none. */
function withoutLineBreaks(json: Buffer): Buffer {
  if (!json.includes(newline) && !json.includes(carriageReturn)) return json;
  return Buffer.from(json.filter((byte) => byte !== newline && byte !== carriageReturn));
}
