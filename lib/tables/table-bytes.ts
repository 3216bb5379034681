/** The bytes of a table, wherever they are. */
export interface TableBytes {
  /** How many there are. */
  bytes: number;
  /** Reads on from a byte to the end. */
  from(start: number): AsyncIterable<Uint8Array>;
  /** @param end behind the last one. */
  between(start: number, end: number): Promise<Buffer>;
}

/**
 * Takes some bytes of what is read from a place on.
 *
 * @throws Error where there are fewer.
 */
export async function firstBytes(chunks: AsyncIterable<Uint8Array>, count: number): Promise<Buffer> {
  const taken = Buffer.allocUnsafe(count);
  let at = 0;
  for await (const chunk of chunks) {
    taken.set(chunk.subarray(0, count - at), at);
    at += Math.min(chunk.length, count - at);
    if (at === count) return taken;
  }
  if (at < count) throw new Error(`${count} bytes were asked for, but there are ${at}.`);
  return taken;
}
