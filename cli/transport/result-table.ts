import { CommandError, exitStatus } from '../exit-status.ts';
import type { TableState } from './batch-state.ts';
import type { ResultStream, Transport } from './transport.ts';

/**
 * The parts of a results table as one file: each part of a CSV has the header.
 *
 * @throws CommandError for a table that could not be made, or whose parts cannot be joined.
 */
export async function openTable(
  transport: Pick<Transport, 'open'>,
  { format, parts, error }: TableState,
): Promise<ResultStream> {
  if (error !== null) throw new CommandError(exitStatus.invalid, `The results table could not be made: ${error}`);
  if (format === 'parquet' && parts.length > 1)
    throw new CommandError(
      exitStatus.invalid,
      `The table has ${parts.length} parts of Parquet, which are read as a folder: take them from the bucket, results/<id>/table/.`,
    );
  const bytes = parts.length === 1 ? (parts[0]?.bytes ?? null) : null;
  return { bytes, chunks: joined(transport, format, parts) };
}

async function* joined(
  transport: Pick<Transport, 'open'>,
  format: TableState['format'],
  parts: TableState['parts'],
): AsyncGenerator<Uint8Array> {
  for (const [number, { reference }] of parts.entries()) {
    const { chunks } = await transport.open(reference);
    yield* number > 0 && format === 'csv' ? withoutHeader(chunks) : chunks;
  }
}

const newline = 0x0a;
const quote = 0x22;

/** Leaves out the first record; a column's name may hold a newline within quotes. */
async function* withoutHeader(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isQuoted = false;
  let isOver = false;
  for await (const chunk of chunks) {
    let at = 0;
    while (!isOver && at < chunk.length) {
      if (chunk[at] === quote) isQuoted = !isQuoted;
      isOver = chunk[at] === newline && !isQuoted;
      at += 1;
    }
    if (at < chunk.length) yield chunk.subarray(at);
  }
}
