import { z } from 'zod';
import type { Suspect } from '../../lines/custom-ids.ts';
import { fileStart, isBehind, type Line, type LinePosition, type OverlongLine } from '../../lines/jsonl.ts';
import { digest } from '../../records/digest.ts';
import { isObject } from '../../records/json.ts';
import { parseJson } from '../../records/parse-json.ts';
import type { RunBudget } from '../run-budget.ts';
import { UnusableCheckpointError } from './unusable-checkpoint.ts';

export const linePositionSchema = z.object({ byteOffset: z.number().int(), lineNumber: z.number().int() });

/** How far the suspected lines were read again. */
export const confirmationSchema = z.object({
  position: linePositionSchema,
  /** Digests of the custom_ids found so far, with their lines. */
  found: z.array(z.tuple([z.number().int(), z.string()])),
});
export type Confirmation = z.infer<typeof confirmationSchema>;

/** Lines of an input that end together, and where the next one begins. */
export type LinesFrom = (
  position: LinePosition,
) => AsyncIterable<{ lines: readonly (Line | OverlongLine)[]; next: LinePosition }>;

export const noConfirmation: Confirmation = { position: fileStart, found: [] };

/**
 * Reads the suspected lines once more and compares their custom_ids, of which only hashes were kept.
 *
 * @param linesFrom gives the input's lines from a position on.
 * @param earlier where an earlier run stopped.
 * @returns null once all are confirmed, or where the next run goes on.
 * @throws UnusableCheckpointError where two ids differ: hashes under another random key tell them apart.
 */
export async function confirmDoubledIds(
  linesFrom: LinesFrom,
  suspects: readonly Suspect[],
  earlier: Confirmation,
  budget: RunBudget,
): Promise<Confirmation | null> {
  if (suspects.length === 0) return null;
  const lineNumbers = new Set(suspects.flatMap((pair) => [pair.earlierLine, pair.laterLine]));
  const found = new Map(earlier.found);
  let { position } = earlier;
  for await (const { lines, next } of linesFrom(position)) {
    if (isBehind(position, earlier.position) && budget.mustStop()) return { position, found: [...found] };
    for (const line of lines) if (lineNumbers.has(line.lineNumber)) found.set(line.lineNumber, digestOfId(line));
    if (found.size === lineNumbers.size) break;
    position = next;
  }
  assertSame(suspects, found);
  return null;
}

function assertSame(suspects: readonly Suspect[], found: ReadonlyMap<number, string>): void {
  for (const { earlierLine, laterLine } of suspects) {
    if (found.get(earlierLine) === found.get(laterLine)) continue;
    const message = `The custom_ids of lines ${earlierLine} and ${laterLine} have the same hash by chance; the input is read again with another.`;
    throw new UnusableCheckpointError(message);
  }
}

function digestOfId({ bytes }: Line | OverlongLine): string {
  const parsed: unknown = bytes && parseJson(bytes.toString());
  return digest(JSON.stringify((isObject(parsed) ? parsed.custom_id : undefined) ?? null));
}
