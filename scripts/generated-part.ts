const end = '<!-- End of what `npm run docs` makes. -->';

/**
 * Puts a text between the marks of a page.
 *
 * @param from what the text is made from, as the first mark says it.
 * @throws Error where the page lacks its marks.
 */
export function between(page: string, from: string, text: string): string {
  const begin = `<!-- Made by \`npm run docs\` from ${from}; do not edit up to the end mark. -->`;
  const [before, rest] = splitAt(page, begin);
  const [, after] = splitAt(rest, end);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

function splitAt(text: string, mark: string): [string, string] {
  const place = text.indexOf(mark);
  if (place < 0) throw new Error(`The page lacks the line '${mark}'.`);
  return [text.slice(0, place), text.slice(place + mark.length)];
}
