import { isUtf8 } from 'node:buffer';
import { parseExact } from '../lines/exact-json.ts';
import { isOverlong, type Line, type OverlongLine, splitLinesFrom } from '../lines/jsonl.ts';
import { isObject } from '../records/json.ts';
import { maxRowBytes, type ReadRows, type RowPosition, type TableRow } from './row.ts';

/**
 * Reads rows that are JSON objects, one a line. Each is kept as it stands, with the spelling of its numbers. A line that is no
 * object is a problem of its own. Its number is its place among the rows: blank lines do not count.
 */
export async function* readJsonRows(
  chunks: AsyncIterable<Uint8Array>,
  position: RowPosition,
): AsyncGenerator<ReadRows> {
  let number = position.lineNumber;
  // A byte order mark stands before the first line only.
  const from = { byteOffset: position.byteOffset, lineNumber: position.byteOffset === 0 ? 1 : 2 };
  for await (const { lines, next } of splitLinesFrom(chunks, from)) {
    const rows = lines.map((line) => {
      const row = rowOf(number, line);
      number += 1;
      return row;
    });
    yield { rows, next: { byteOffset: next.byteOffset, lineNumber: number } };
  }
}

function rowOf(number: number, line: Line | OverlongLine): TableRow {
  if (isOverlong(line)) return unreadable(number, `has ${line.byteLength} bytes; at most ${maxRowBytes} are accepted`);
  if (line.isKnownUtf8 !== true && !isUtf8(line.bytes)) return unreadable(number, 'is not valid UTF-8');
  const text = line.bytes.toString('utf8');
  const value = parsed(text);
  if (!isObject(value)) return unreadable(number, 'is no JSON object');
  return { number, cells: new Map(Object.entries(value)), kept: text, problem: null };
}

function parsed(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return null;
  }
}

function unreadable(number: number, what: string): TableRow {
  return {
    number,
    cells: new Map(),
    kept: '{}',
    problem: { code: 'invalid_row', message: `Row ${number} ${what}.`, param: null },
  };
}
