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

/** Entries one after the other, in a buffer that is used again and again. */
export class LineIndexEncoder {
  #bytes = Buffer.allocUnsafe(64 * 1024);
  #view = viewOf(this.#bytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(entry: LineEntry): void {
    const { spans, customId } = entry;
    const at = this.#length;
    const idBytes = customId === null ? 0 : Buffer.byteLength(customId);
    this.#reserve(headBytes + idBytes);
    const view = this.#view;
    view.setUint32(at, entry.ordinal, true);
    view.setUint32(at + 4, entry.lineNumber, true);
    view.setUint32(at + 8, entry.byteLength, true);
    view.setUint8(at + 12, formats.indexOf(entry.format));
    view.setUint32(at + 13, spans.customId.start, true);
    view.setUint32(at + 17, spans.customId.end, true);
    view.setUint32(at + 21, spans.model.start, true);
    view.setUint32(at + 25, spans.model.end, true);
    view.setUint16(at + 29, customId === null ? noId : idBytes, true);
    if (customId !== null) this.#bytes.write(customId, at + headBytes);
    this.#length += headBytes + idBytes;
  }

  /** @returns what was added since the last time; good until the next `add`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length + bytes);
    this.#view = viewOf(this.#bytes);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A line index as it is stored, and 4 bytes a line to find the entries. */
export class LineIndex {
  readonly #bytes: Buffer;
  readonly #starts: Uint32Array;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#starts = startsOf(bytes);
  }

  get length(): number {
    return this.#starts.length;
  }

  ordinal(position: number): number {
    return this.#bytes.readUInt32LE(this.#start(position));
  }

  byteLength(position: number): number {
    return this.#bytes.readUInt32LE(this.#start(position) + 8);
  }

  format(position: number): LineFormat {
    return formats[this.#bytes.readUInt8(this.#start(position) + 12)] ?? 'openai';
  }

  lineNumber(position: number): number {
    return this.#bytes.readUInt32LE(this.#start(position) + 4);
  }

  customId(position: number): string | null {
    const start = this.#start(position);
    const idBytes = this.#bytes.readUInt16LE(start + 29);
    return idBytes === noId ? null : this.#bytes.toString('utf8', start + headBytes, start + headBytes + idBytes);
  }

  spans(position: number): LineEntry['spans'] {
    const start = this.#start(position);
    return {
      customId: { start: this.#bytes.readUInt32LE(start + 13), end: this.#bytes.readUInt32LE(start + 17) },
      model: { start: this.#bytes.readUInt32LE(start + 21), end: this.#bytes.readUInt32LE(start + 25) },
    };
  }

  entry(position: number): LineEntry {
    return {
      ordinal: this.ordinal(position),
      lineNumber: this.lineNumber(position),
      byteLength: this.byteLength(position),
      format: this.format(position),
      spans: this.spans(position),
      customId: this.customId(position),
    };
  }

  #start(position: number): number {
    const start = this.#starts[position];
    if (start === undefined) throw new RangeError(`There is no line ${position} among ${this.length}.`);
    return start;
  }
}

function startsOf(bytes: Buffer): Uint32Array {
  const starts = new Uint32Array(Math.floor(bytes.length / headBytes));
  let count = 0;
  for (let at = 0; at < bytes.length; count += 1) {
    const idBytes = bytes.readUInt16LE(at + 29);
    starts[count] = at;
    at += headBytes + (idBytes === noId ? 0 : idBytes);
  }
  return starts.slice(0, count);
}

/** What became of one line. */
export interface ResultFlags {
  succeeded: boolean;
  /** Failed for no fault of its own: may be sent again. */
  retryable: boolean;
  /** Failed and was never executed: neither completed nor failed in the counts, as at OpenAI. */
  unexecuted: boolean;
  /** Unexecuted because time ran out. */
  expired: boolean;
  /** Failed because its answer, which may have been paid for, could not be had. */
  lost: boolean;
}

/** And how long its result line is with its newline. */
export interface ResultEntry extends ResultFlags {
  ordinal: number;
  byteLength: number;
}

const resultBytes = 9;
const flagOf = { succeeded: 1, retryable: 2, unexecuted: 4, expired: 8, lost: 16 } as const;

/** Results of one shard in its order: ordinal u32 | byteLength u32 | flags u8 (`flagOf`). */
export class ResultIndexEncoder {
  #bytes = Buffer.allocUnsafe(64 * resultBytes);
  #length = 0;

  add(entry: ResultEntry): void {
    if (this.#length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.#length);
    this.#bytes.writeUInt32LE(entry.ordinal, this.#length);
    this.#bytes.writeUInt32LE(entry.byteLength, this.#length + 4);
    this.#bytes.writeUInt8(flagsOf(entry), this.#length + 8);
    this.#length += resultBytes;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

function flagsOf(entry: ResultEntry): number {
  return (
    (entry.succeeded ? flagOf.succeeded : 0) |
    (entry.retryable ? flagOf.retryable : 0) |
    (entry.unexecuted ? flagOf.unexecuted : 0) |
    (entry.expired ? flagOf.expired : 0) |
    (entry.lost ? flagOf.lost : 0)
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

  byteLength(place: number): number {
    return this.#bytes.readUInt32LE(place * resultBytes + 4);
  }

  /** All that an entry says of the outcome, to be compared with another's. */
  flags(place: number): number {
    return this.#bytes.readUInt8(place * resultBytes + 8);
  }

  entry(place: number): ResultEntry {
    return { ordinal: this.ordinal(place), byteLength: this.byteLength(place), ...resultFlags(this.flags(place)) };
  }
}

/** @param flags as they are stored. */
export function resultFlags(flags: number): ResultFlags {
  return {
    succeeded: (flags & flagOf.succeeded) !== 0,
    retryable: (flags & flagOf.retryable) !== 0,
    unexecuted: (flags & flagOf.unexecuted) !== 0,
    expired: (flags & flagOf.expired) !== 0,
    lost: (flags & flagOf.lost) !== 0,
  };
}
