/**
 * Where the members of a JSON object stand in its own bytes, so that one value can be replaced while every other byte
 * stays as the user wrote it. The text must already be known to be valid JSON.
 */

/** Byte offsets of a JSON value: `start` inclusive, `end` exclusive. */
export interface Span {
  start: number;
  end: number;
}

export interface Member extends Span {
  key: string;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

/**
 * Lists the members of the object that begins at or after `from`.
 *
 * @returns the members in their order, doubled keys included; empty where the value is no object.
 */
export function membersOf(json: Buffer, from = 0): Member[] {
  const members: Member[] = [];
  let at = skipSpace(json, from);
  if (json[at] !== openBrace) return members;
  at = skipSpace(json, at + 1);
  while (json[at] === quote) {
    const keyEnd = endOfString(json, at);
    const key = decodeKey(json, at, keyEnd);
    at = skipSpace(json, keyEnd);
    if (json[at] !== colon) return members;
    const start = skipSpace(json, at + 1);
    const end = endOfValue(json, start);
    members.push({ key, start, end });
    at = skipSpace(json, end);
    if (json[at] !== comma) return members;
    at = skipSpace(json, at + 1);
  }
  return members;
}

/**
 * Finds where the value of a member begins, and reads no further than that.
 *
 * @returns null where the object has no such member.
 */
export function startOfMember(json: Buffer, key: string): number | null {
  let at = skipSpace(json, 0);
  if (json[at] !== openBrace) return null;
  do {
    at = skipSpace(json, at + 1);
    if (json[at] !== quote) return null;
    const keyEnd = endOfString(json, at);
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1);
    if (decodeKey(json, at, keyEnd) === key) return start;
    at = skipSpace(json, endOfValue(json, start));
  } while (json[at] === comma);
  return null;
}

/**
 * Writes members as JSON without spaces around them, each value in its own bytes.
 *
 * @param members some of one object's, in their order.
 * @returns pieces that stand behind each other, with commas between; those that follow each other in the text are one piece.
 */
export function piecesOf(json: Buffer, members: readonly Member[]): Buffer[] {
  const pieces: Buffer[] = [];
  let run: Span | null = null;
  for (const member of members) {
    const start = startWithPlainKey(json, member);
    if (run && start !== null && start === run.end + 1 && json[run.end] === comma) {
      run.end = member.end;
      continue;
    }
    if (run) pieces.push(json.subarray(run.start, run.end), betweenMembers);
    run = start === null ? null : { start, end: member.end };
    if (start === null)
      pieces.push(
        Buffer.from(`${JSON.stringify(member.key)}:`),
        json.subarray(member.start, member.end),
        betweenMembers,
      );
  }
  if (run) pieces.push(json.subarray(run.start, run.end));
  else pieces.pop();
  return pieces;
}

const betweenMembers = Buffer.from(',');
/** A name of which no character can be written in fewer bytes than by itself. */
const plainKey = /^\w+$/;

/** @returns where the name begins, if it stands right before the value as JSON.stringify would write it. */
function startWithPlainKey(json: Buffer, { key, start }: Member): number | null {
  if (json[start - 1] !== colon || json[start - 2] !== quote) return null;
  const begin = start - 3 - key.length;
  return json[begin] === quote && plainKey.test(key) ? begin : null;
}

/** Replaces spans of the text by other bytes. The replacements must be in order and apart from each other. */
export function splice(text: Buffer, replacements: readonly { span: Span; value: string }[]): Buffer {
  const growth = replacements.reduce(
    (sum, { span, value }) => sum + Buffer.byteLength(value) - (span.end - span.start),
    0,
  );
  const spliced = Buffer.allocUnsafe(text.length + growth);
  let at = 0;
  let length = 0;
  for (const { span, value } of replacements) {
    length += text.copy(spliced, length, at, span.start);
    length += spliced.write(value, length);
    at = span.end;
  }
  text.copy(spliced, length, at);
  return spliced;
}

function decodeKey(json: Buffer, start: number, end: number): string {
  const raw = json.toString('utf8', start, end);
  return raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = json[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/** Strings up to this length are read byte by byte; in longer ones the search for the end pays. */
const shortString = 32;

function endOfString(json: Buffer, start: number): number {
  const far = Math.min(start + 1 + shortString, json.length);
  let at = start + 1;
  while (at < far) {
    const byte = json[at];
    if (byte === backslash) at += 2;
    else if (byte === quote) return at + 1;
    else at += 1;
  }
  return endOfLongString(json, at);
}

/** @param from within the string, and not behind a backslash that escapes. */
function endOfLongString(json: Buffer, from: number): number {
  for (let end = json.indexOf(quote, from); end >= 0; end = json.indexOf(quote, end + 1)) {
    let backslashes = 0;
    while (end - 1 - backslashes >= from && json[end - 1 - backslashes] === backslash) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return json.length;
}

function endOfValue(json: Buffer, start: number): number {
  const first = json[start];
  if (first === quote) return endOfString(json, start);
  if (first === openBrace || first === openBracket) return endOfContainer(json, start);
  let at = start;
  while (at < json.length && !endsScalar(json[at])) at += 1;
  return at;
}

function endsScalar(byte: number | undefined): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || byte === undefined || byte <= 0x20;
}

function endOfContainer(json: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < json.length) {
    const byte = json[at];
    if (byte === quote) {
      at = endOfString(json, at);
      continue;
    }
    at += 1;
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return json.length;
}
