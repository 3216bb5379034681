import { decodeLineIndex, type LineEntry } from '../core/line-index.ts';
import { isObject, type JsonObject, type RequestLine } from '../core/request-line.ts';
import type { ShardRecord } from '../core/shard.ts';
import type { Objects } from '../store/objects.ts';

/** A line of a shard: its place there, what the index says of it, and its own bytes. */
export interface ShardLine {
  position: number;
  entry: LineEntry;
  bytes: Buffer;
}

export async function readIndex(objects: Objects, shard: ShardRecord): Promise<LineEntry[]> {
  return decodeLineIndex(await objects.readBytes(shard.indexKey));
}

/**
 * Streams the lines of a shard with their own bytes; their lengths come from the index, so nothing is parsed.
 *
 * @returns the lines of each chunk together.
 */
export async function* readShardLines(
  objects: Objects,
  shard: ShardRecord,
  entries: readonly LineEntry[],
): AsyncGenerator<ShardLine[]> {
  let position = 0;
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  for await (const chunk of objects.stream({ bucket: objects.bucket, key: shard.linesKey })) {
    carried.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    carriedBytes += chunk.byteLength;
    const first = entries[position];
    if (first && carriedBytes < first.byteLength + 1) continue;
    const bytes = carried.length === 1 ? (carried[0] ?? Buffer.alloc(0)) : Buffer.concat(carried, carriedBytes);
    const taken = takeLines(bytes, entries, position);
    position += taken.lines.length;
    carried = [bytes.subarray(taken.bytes)];
    carriedBytes = bytes.length - taken.bytes;
    if (taken.lines.length > 0) yield taken.lines;
  }
  if (position !== entries.length)
    throw new Error(`${shard.linesKey} ends after ${position} of ${entries.length} lines.`);
}

function takeLines(bytes: Buffer, entries: readonly LineEntry[], from: number): { lines: ShardLine[]; bytes: number } {
  const lines: ShardLine[] = [];
  let at = 0;
  for (let position = from; position < entries.length; position += 1) {
    const entry = entries[position];
    if (!entry || at + entry.byteLength + 1 > bytes.length) break;
    lines.push({ position, entry, bytes: bytes.subarray(at, at + entry.byteLength) });
    at += entry.byteLength + 1;
  }
  return { lines, bytes: at };
}

/** The request that a stored line holds; validated before, so its body is parsed only if somebody asks. */
export function requestOf(line: ShardLine, shard: ShardRecord): RequestLine {
  const { entry, bytes } = line;
  return {
    lineNumber: entry.lineNumber,
    bytes,
    format: entry.format,
    endpoint: shard.endpoint,
    customId: entry.customId ?? '',
    model: String(JSON.parse(bytes.toString('utf8', entry.spans.model.start, entry.spans.model.end))),
    get body() {
      return bodyOf(bytes, entry.format);
    },
    spans: entry.spans,
  };
}

function bodyOf(bytes: Buffer, format: RequestLine['format']): JsonObject {
  const parsed: unknown = JSON.parse(bytes.toString('utf8'));
  const body = isObject(parsed) ? parsed[format === 'openai' ? 'body' : 'params'] : undefined;
  return isObject(body) ? body : {};
}
