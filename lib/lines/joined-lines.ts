/** What may stand between two lines: JSON Lines, or the elements of an array. */
export type LineSeparator = ',' | '\n';

/** Puts the separator between lines that come one by one. */
export async function* joinedLines(
  lines: AsyncIterable<Buffer> | Iterable<Buffer>,
  separator: LineSeparator,
): AsyncGenerator<Buffer> {
  const between = Buffer.from(separator);
  let isFirst = true;
  for await (const line of lines) {
    if (!isFirst) yield between;
    isFirst = false;
    yield line;
  }
}
