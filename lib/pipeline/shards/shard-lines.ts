import { wholeLines } from '../../lines/jsonl.ts';
import { type LineEntry, LineIndex } from '../../lines/line-index.ts';
import { PassedLines, type SentForm, TranslatedLines } from '../../lines/passed-lines.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { parseJson } from '../../records/parse-json.ts';
import type { ShardRecord } from '../../records/shard.ts';
import type { Objects } from '../../store/objects.ts';

/** A line of a shard: its place there, what the index says of it, and its own bytes. */
export interface ShardLine {
  position: number;
  entry: LineEntry;
  bytes: Buffer;
}

export async function readIndex(objects: Objects, shard: ShardRecord): Promise<LineIndex> {
  return new LineIndex(await objects.readBytes(shard.indexKey));
}

/**
 * Streams the lines of a shard with their own bytes; their lengths come from the index, so nothing is parsed.
 *
 * @param from the place of the first line that is read.
 * @returns the lines of each chunk together.
 */
export async function* readShardLines(
  objects: Objects,
  shard: ShardRecord,
  index: LineIndex,
  from = 0,
): AsyncGenerator<ShardLine[]> {
  let position = from;
  const start = bytesBefore(index, from);
  for await (const bytes of wholeLines(objects.stream({ bucket: objects.bucket, key: shard.linesKey }, start))) {
    const lines = linesIn(bytes, index, position);
    position += lines.length;
    yield lines;
  }
  assertComplete(shard.linesKey, position, index.length);
}

/** With their newlines. */
function bytesBefore(index: LineIndex, position: number): number {
  let bytes = 0;
  for (let place = 0; place < position; place += 1) bytes += index.byteLength(place) + 1;
  return bytes;
}

function linesIn(bytes: Buffer, index: LineIndex, from: number): ShardLine[] {
  const lines: ShardLine[] = [];
  let at = 0;
  for (let position = from; at < bytes.length; position += 1) {
    const entry = index.entry(position);
    lines.push({ position, entry, bytes: bytes.subarray(at, at + entry.byteLength) });
    at += entry.byteLength + 1;
  }
  return lines;
}

function assertComplete(key: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${key} ends after ${found} of ${expected} lines.`);
}

/** Streams the lines of a shard as they were translated, one by one, with the placeholder for their ids. */
export async function* readTranslatedLines(objects: Objects, sentKey: string): AsyncGenerator<Buffer> {
  for await (const bytes of wholeLines(objects.stream({ bucket: objects.bucket, key: sentKey }))) {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf('\n', at);
      yield bytes.subarray(at, end);
      at = end + 1;
    }
  }
}

/** Streams what the provider gets: the lines under the ids of one sending, the separator between them. */
export async function* readSentLines(
  objects: Objects,
  shard: ShardRecord,
  index: LineIndex,
  form: SentForm,
): AsyncGenerator<Buffer> {
  const lines = shard.sentKey === null ? new PassedLines(index, form) : new TranslatedLines(shard.lineCount, form);
  const key = shard.sentKey ?? shard.linesKey;
  for await (const bytes of wholeLines(objects.stream({ bucket: objects.bucket, key }))) yield lines.edit(bytes);
  assertComplete(key, lines.count, index.length);
}

/** What a shard's lines say for their whole sending. */
export function sharedMembersOf({ shared }: Pick<ShardRecord, 'shared'>): JsonObject | null {
  const members: unknown = shared === undefined ? null : parseJson(shared);
  return isObject(members) ? members : null;
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
    // What goes as it is stands in a shard without translations.
    isAddressed: shard.sentKey === null,
  };
}

function bodyOf(bytes: Buffer, format: RequestLine['format']): JsonObject {
  const parsed: unknown = parseJson(bytes.toString('utf8'));
  const body = isObject(parsed) ? parsed[format === 'openai' ? 'body' : 'params'] : undefined;
  return isObject(body) ? body : {};
}
