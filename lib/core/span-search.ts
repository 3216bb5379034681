import type { Span } from './json-spans.ts';

/** What is known of a line once it is parsed, and what is looked for. */
export interface ParsedNames {
  /** The line's own members. */
  members: object;
  customId: string;
  /** `model` of the request within the line. */
  model: string;
}

/** Where the values of custom_id and model stand in the line's text, in UTF-16 code units. */
export interface FoundSpans {
  customId: Span;
  model: Span;
}

/**
 * Finds the values of custom_id and model by searching for their names, which is ten times as fast as reading the line
 * member by member.
 *
 * A name that stands in a line only once, as a whole JSON string, and that the parsed line has as a member, is that
 * member's name; and a line whose names all stand in it once has no member twice. Only a name that is spelled with escapes
 * could hide from the search, so a line with escaped ASCII is not searched.
 *
 * @returns null where the search proves nothing, whatever the reason. Then `membersOf` knows.
 */
export function searchSpans(text: string, parsed: ParsedNames): FoundSpans | null {
  for (const name in parsed.members) if (name !== 'custom_id' && !standsOnce(text, name)) return null;
  if (mayEscapeAscii(text)) return null;
  const customId = onlyValue(text, '"custom_id"', parsed.customId);
  const model = onlyValue(text, '"model"', parsed.model);
  return customId && model && { customId, model };
}

/** The names that a request line usually has, as they are written. */
const quoted = new Map(['method', 'url', 'body', 'params'].map((name) => [name, `"${name}"`]));

function standsOnce(text: string, name: string): boolean {
  const token = quoted.get(name);
  if (token === undefined) return false;
  const start = text.indexOf(token);
  return start >= 0 && text.indexOf(token, start + token.length) < 0;
}

/** é as \u00e9 is common; letters and digits are escaped by those who mean mischief. */
function mayEscapeAscii(text: string): boolean {
  return text.includes('\\u00') && /\\u00[2-7]/.test(text);
}

/** @returns where the string value of the only such name stands, if it stands there as it is. */
function onlyValue(text: string, token: string, value: string): Span | null {
  const name = text.indexOf(token);
  if (name < 0 || text.indexOf(token, name + token.length) >= 0) return null;
  const colon = skipSpace(text, name + token.length);
  const start = skipSpace(text, colon + 1);
  const end = start + value.length + 2;
  const isThere =
    text[colon] === ':' && text[start] === '"' && text[end - 1] === '"' && text.startsWith(value, start + 1);
  return isThere ? { start, end } : null;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at += 1;
  return at;
}
