/** Marks that turn the direction of what stands around them, and characters that show nothing and do something. */
const unseen = /(?![\t\n\r])\p{Cc}|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A foreign text whose marks and control characters can be seen, such as `\u202e`, and do nothing. */
export function shown(text: string): string {
  return text.replaceAll(unseen, (mark) => `\\u${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** A text for a place that takes one line of it; the whole is to be had elsewhere. */
export function oneLine(text: string, maxLength = 200): string {
  const line = shown(text).replaceAll(/\s+/g, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
