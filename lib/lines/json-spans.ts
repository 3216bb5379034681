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

/** Replaces spans of the text by other bytes. The replacements must be in order and apart from each other. */
export function splice(text: Buffer, replacements: readonly { span: Span; value: string }[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { span, value } of replacements) {
    pieces.push(text.subarray(at, span.start), Buffer.from(value));
    at = span.end;
  }
  pieces.push(text.subarray(at));
  return Buffer.concat(pieces);
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
