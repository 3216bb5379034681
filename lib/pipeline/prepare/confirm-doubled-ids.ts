import type { Suspect } from '../../lines/custom-ids.ts';
import { type Line, type OverlongLine, splitLines } from '../../lines/jsonl.ts';
import { TransientError } from '../../records/errors.ts';
import { isObject } from '../../records/json.ts';
import { parseJson } from '../../records/parse-json.ts';

/**
 * Reads the suspected lines once more and compares their custom_ids, of which only hashes were kept.
 *
 * @param chunks the input from its start.
 * @throws HashCollision where two ids differ: hashes under another random key tell them apart.
 */
export async function confirmDoubledIds(
  chunks: AsyncIterable<Uint8Array>,
  suspects: readonly Suspect[],
): Promise<void> {
  const ids = await customIdsOf(chunks, new Set(suspects.flatMap((pair) => [pair.earlierLine, pair.laterLine])));
  for (const { earlierLine, laterLine } of suspects) {
    if (ids.get(earlierLine) === ids.get(laterLine)) continue;
    const message = `The custom_ids of lines ${earlierLine} and ${laterLine} have the same hash by chance; the input is read again with another.`;
    throw new HashCollision(message);
  }
}

/** A run that starts from the beginning gets another key. */
export class HashCollision extends TransientError {}

async function customIdsOf(
  chunks: AsyncIterable<Uint8Array>,
  lineNumbers: ReadonlySet<number>,
): Promise<Map<number, unknown>> {
  const ids = new Map<number, unknown>();
  for await (const lines of splitLines(chunks)) {
    for (const line of lines) if (lineNumbers.has(line.lineNumber)) ids.set(line.lineNumber, customIdOf(line));
    if (ids.size === lineNumbers.size) break;
  }
  return ids;
}

function customIdOf({ bytes }: Line | OverlongLine): unknown {
  const parsed: unknown = bytes && parseJson(bytes.toString());
  return isObject(parsed) ? parsed.custom_id : undefined;
}
