import { z } from 'zod';
import { splitLines } from '../../lib/lines/jsonl.ts';
import type { ResultStream } from '../transport/transport.ts';

const errorLineSchema = z.object({
  custom_id: z.string().nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
});

/** Failed requests of one code. */
export interface ErrorGroup {
  code: string;
  count: number;
  /** The first request with this error; the message is also from there. */
  customId: string | null;
  message: string;
}

export interface ErrorTally {
  /** Most frequent first. */
  groups: ErrorGroup[];
  /** Whether the file was longer than was read. */
  isPartial: boolean;
}

/** Half a million short errors: enough to see what is the matter, and read in seconds. */
const maxBytes = 128 * 1024 * 1024;

/** Counts the codes of an error file. */
export async function tallyErrors(file: ResultStream): Promise<ErrorTally> {
  const groups = new Map<string, ErrorGroup>();
  const reader = { isPartial: false };
  for await (const lines of splitLines(upTo(maxBytes, file.chunks, reader)))
    for (const { bytes } of lines) if (bytes) count(groups, bytes.toString('utf8'));
  const sorted = [...groups.values()].toSorted((left, right) => right.count - left.count);
  return { groups: sorted, isPartial: reader.isPartial };
}

async function* upTo(
  limit: number,
  chunks: AsyncIterable<Uint8Array>,
  reader: { isPartial: boolean },
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    reader.isPartial = bytes > limit;
    if (reader.isPartial) return;
    yield chunk;
  }
}

function count(groups: Map<string, ErrorGroup>, line: string): void {
  const { custom_id: customId = null, error } = readLine(line);
  const code = error?.code ?? 'error';
  const group = groups.get(code) ?? { code, count: 0, customId, message: error?.message ?? '' };
  groups.set(code, { ...group, count: group.count + 1 });
}

/** The last line of a file that was cut is no line. */
function readLine(line: string): z.infer<typeof errorLineSchema> {
  try {
    return errorLineSchema.parse(JSON.parse(line));
  } catch {
    return { error: { code: 'unreadable_line' } };
  }
}
