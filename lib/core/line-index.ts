import type { LineFormat } from './request-line.ts';

/**
 * The compact index beside a shard's lines: what Submit needs to splice and Collect needs to answer, without reading
 * the lines again. One entry a line, in the shard's order, little-endian:
 *
 *   ordinal u32 | lineNumber u32 | byteLength u32 | format u8 | idStart u32 | idEnd u32 | modelStart u32 | modelEnd u32
 *   | customIdBytes u16 | custom_id in UTF-8
 */
export interface LineEntry {
  /** Place among the batch's requests, from 0: the order in which results are given back. */
  ordinal: number;
  /** Place in the input file, from 1. */
  lineNumber: number;
  /** Length of the line in the shard's object, without its newline. */
  byteLength: number;
  format: LineFormat;
  spans: { customId: { start: number; end: number }; model: { start: number; end: number } };
  /** Null only for a refused line that had none. */
  customId: string | null;
}

const formats: readonly LineFormat[] = ['openai', 'anthropic'];
const headBytes = 31;
const noId = 0xffff;

export function encodeLineEntry(entry: LineEntry): Buffer {
  const id = entry.customId === null ? null : Buffer.from(entry.customId);
  const bytes = Buffer.alloc(headBytes + (id?.length ?? 0));
  bytes.writeUInt32LE(entry.ordinal, 0);
  bytes.writeUInt32LE(entry.lineNumber, 4);
  bytes.writeUInt32LE(entry.byteLength, 8);
  bytes.writeUInt8(formats.indexOf(entry.format), 12);
  bytes.writeUInt32LE(entry.spans.customId.start, 13);
  bytes.writeUInt32LE(entry.spans.customId.end, 17);
  bytes.writeUInt32LE(entry.spans.model.start, 21);
  bytes.writeUInt32LE(entry.spans.model.end, 25);
  bytes.writeUInt16LE(id?.length ?? noId, 29);
  id?.copy(bytes, headBytes);
  return bytes;
}

export function decodeLineIndex(bytes: Buffer): LineEntry[] {
  const entries: LineEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const idLength = bytes.readUInt16LE(at + 29);
    const idEnd = at + headBytes + (idLength === noId ? 0 : idLength);
    entries.push({
      ordinal: bytes.readUInt32LE(at),
      lineNumber: bytes.readUInt32LE(at + 4),
      byteLength: bytes.readUInt32LE(at + 8),
      format: formats[bytes.readUInt8(at + 12)] ?? 'openai',
      spans: {
        customId: { start: bytes.readUInt32LE(at + 13), end: bytes.readUInt32LE(at + 17) },
        model: { start: bytes.readUInt32LE(at + 21), end: bytes.readUInt32LE(at + 25) },
      },
      customId: idLength === noId ? null : bytes.toString('utf8', at + headBytes, idEnd),
    });
    at = idEnd;
  }
  return entries;
}

/** What became of one line, and how long its result line is with its newline. */
export interface ResultEntry {
  ordinal: number;
  succeeded: boolean;
  /** Failed for no fault of its own: may be sent again. */
  retryable: boolean;
  /** Failed and was never executed: neither completed nor failed in the counts, as at OpenAI. */
  unexecuted: boolean;
  /** Unexecuted because time ran out. */
  expired: boolean;
  byteLength: number;
}

const resultBytes = 9;
const flagOf = { succeeded: 1, retryable: 2, unexecuted: 4, expired: 8 } as const;

/** Results of one shard in its order: ordinal u32 | byteLength u32 | flags u8 (`flagOf`). */
export function encodeResultIndex(entries: readonly ResultEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * resultBytes);
  entries.forEach((entry, place) => {
    const at = place * resultBytes;
    bytes.writeUInt32LE(entry.ordinal, at);
    bytes.writeUInt32LE(entry.byteLength, at + 4);
    bytes.writeUInt8(flagsOf(entry), at + 8);
  });
  return bytes;
}

function flagsOf(entry: ResultEntry): number {
  return (
    (entry.succeeded ? flagOf.succeeded : 0) |
    (entry.retryable ? flagOf.retryable : 0) |
    (entry.unexecuted ? flagOf.unexecuted : 0) |
    (entry.expired ? flagOf.expired : 0)
  );
}

/** A result index that stays as it is stored: 9 bytes a line. */
export class ResultIndex {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length / resultBytes;
  }

  ordinal(place: number): number {
    return this.#bytes.readUInt32LE(place * resultBytes);
  }

  entry(place: number): ResultEntry {
    const at = place * resultBytes;
    const flags = this.#bytes.readUInt8(at + 8);
    return {
      ordinal: this.#bytes.readUInt32LE(at),
      byteLength: this.#bytes.readUInt32LE(at + 4),
      succeeded: (flags & flagOf.succeeded) !== 0,
      retryable: (flags & flagOf.retryable) !== 0,
      unexecuted: (flags & flagOf.unexecuted) !== 0,
      expired: (flags & flagOf.expired) !== 0,
    };
  }
}
