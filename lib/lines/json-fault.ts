/** Where a text stops being JSON, from 0; its length where it only ends too early. */
export interface JsonFault {
  at: number;
  /** What was found there, for a person: without the text around it, which may be anybody's data. */
  what: string;
}

/** Finds where a text stops being JSON. @returns null for valid JSON. */
export function findJsonFault(text: string): JsonFault | null {
  return new Scanner(text).fault();
}

type Expected = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'comma or end' | 'nothing';

const literals = ['true', 'false', 'null'];
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Reads tokens as JSON's grammar has them, however deep they are nested. */
class Scanner {
  readonly #text: string;
  /** Closing brackets that are still to come, the innermost last. */
  readonly #open: ('}' | ']')[] = [];
  #expected: Expected = 'value';
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fault(): JsonFault | null {
    for (;;) {
      this.#skipSpace();
      const isAtEnd = this.#at >= this.#text.length;
      if (isAtEnd) return this.#expected === 'nothing' ? null : { at: this.#at, what: 'the line ends here' };
      const fault = this.#take(this.#text.charAt(this.#at));
      if (fault) return fault;
    }
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && ' \t\r\n'.includes(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #take(character: string): JsonFault | null {
    switch (this.#expected) {
      case 'nothing':
        return this.#found(character === '{' ? 'a second object begins here: a line break is missing before it' : null);
      case 'colon':
        return character === ':' ? this.#goOn(1, 'value') : this.#found("a ':' is missing here");
      case 'comma or end':
        return this.#takeComma(character);
      case 'name':
      case 'name or end':
        if (character === '"') return this.#takeString('colon');
        return character === '}' && this.#expected === 'name or end' ? this.#close() : this.#found(null);
      case 'value':
      case 'value or end':
        return character === ']' && this.#expected === 'value or end' ? this.#close() : this.#takeValue(character);
    }
  }

  #takeComma(character: string): JsonFault | null {
    const closing = this.#open.at(-1);
    if (character === closing) return this.#close();
    if (character !== ',') return this.#found(null);
    return this.#goOn(1, closing === '}' ? 'name' : 'value');
  }

  #takeValue(character: string): JsonFault | null {
    if (character === '"') return this.#takeString(this.#behindValue());
    if (character === '{' || character === '[') {
      this.#open.push(character === '{' ? '}' : ']');
      return this.#goOn(1, character === '{' ? 'name or end' : 'value or end');
    }
    const literal = literals.find((word) => this.#text.startsWith(word, this.#at));
    if (literal) return this.#goOn(literal.length, this.#behindValue());
    numberPattern.lastIndex = this.#at;
    const number = numberPattern.exec(this.#text)?.[0];
    return number ? this.#goOn(number.length, this.#behindValue()) : this.#found(null);
  }

  #takeString(next: Expected): JsonFault | null {
    for (let at = this.#at + 1; at < this.#text.length; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) return this.#goOn(at + 1 - this.#at, next);
      if (code < 0x20)
        return { at, what: 'a tab, line break or other control character in a text must be written as an escape' };
      if (code !== 0x5c) continue;
      const length = escapeLength(this.#text, at);
      if (length === 0) return { at, what: 'no such escape is JSON; a backslash itself is written twice' };
      at += length - 1;
    }
    return { at: this.#text.length, what: 'the line ends inside a text' };
  }

  #close(): null {
    this.#open.pop();
    return this.#goOn(1, this.#behindValue());
  }

  #behindValue(): Expected {
    return this.#open.length === 0 ? 'nothing' : 'comma or end';
  }

  #goOn(length: number, expected: Expected): null {
    this.#at += length;
    this.#expected = expected;
    return null;
  }

  #found(what: string | null): JsonFault {
    return { at: this.#at, what: what ?? foreignWord(this.#text.slice(this.#at, this.#at + 16)) ?? this.#unexpected() };
  }

  #unexpected(): string {
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    const isBehindComma = this.#expected === 'name' || this.#expected === 'value';
    if (isBehindComma && (character === '}' || character === ']'))
      return 'the comma before the closing bracket is one too many';
    return this.#expected === 'comma or end'
      ? `a ',' or a closing bracket is missing before '${character}'`
      : `'${character}' may not stand here`;
  }
}

/** @returns 0 for what is no escape. */
function escapeLength(text: string, at: number): number {
  const next = text.charAt(at + 1);
  if (next === 'u') return /^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6)) ? 6 : 0;
  return next !== '' && '"\\/bfnrt'.includes(next) ? 2 : 0;
}

const foreignWords: readonly [pattern: RegExp, what: string][] = [
  [
    /^-?(NaN|Infinity)/,
    'JSON has no NaN and no Infinity: write null, or leave the member out (in Python json.dumps(..., allow_nan=False) finds them)',
  ],
  [/^'/, "texts stand in double quotes: this was written by Python's print() or str(); write it with json.dumps()"],
  [
    /^(True|False|None)\b/,
    "JSON has true, false and null: this was written by Python's print() or str(); write it with json.dumps()",
  ],
  [/^undefined\b/, 'JSON has no undefined: leave the member out'],
  [/^\uFEFF/, 'a byte order mark stands here, as in files that were joined: take it out'],
  [/^(\/\/|\/\*|#)/, 'JSON has no comments'],
  [/^[A-Za-z_]\w*\s*:/, 'names stand in double quotes'],
];

/** What other languages write where JSON has something else. */
function foreignWord(text: string): string | null {
  return foreignWords.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}
