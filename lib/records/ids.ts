/** How every id is spelled. Ids from outside are matched against their pattern before any key is built from them. */

export const batchIdPattern = /^batch_[0-9a-f]{32}$/;
export const fileIdPattern = /^file-[0-9a-f]{32}$/;
export const uploadIdPattern = /^upload_[0-9a-f]{32}$/;
export const tenantPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** @param hash at least 32 hexadecimal digits, random or a digest. */
export function batchIdFrom(hash: string): string {
  return `batch_${hash.slice(0, 32)}`;
}

/** @param hash at least 32 hexadecimal digits, random or a digest. */
export function fileIdFrom(hash: string): string {
  return `file-${hash.slice(0, 32)}`;
}

/** Anthropic's name of a batch, `msgbatch_...` -> ours; what is neither stays as it is. */
export function batchIdOfMessages(id: string): string {
  return id.startsWith(messageBatchPrefix) ? `batch_${id.slice(messageBatchPrefix.length)}` : id;
}

/** A batch's name in Anthropic's API. */
export function messageBatchIdOf(batchId: string): string {
  return messageBatchPrefix + batchId.slice('batch_'.length);
}

const messageBatchPrefix = 'msgbatch_';

/** @param hash at least 32 hexadecimal digits, random or a digest. */
export function uploadIdFrom(hash: string): string {
  return `upload_${hash.slice(0, 32)}`;
}

/** @param hash at least 32 hexadecimal digits, random or a digest. */
export function partIdFrom(hash: string): string {
  return `part_${hash.slice(0, 32)}`;
}

/** Names one sending of one shard. All numbers count from 0, attempts from 1. */
export interface SendingName {
  batchId: string;
  round: number;
  shard: number;
  attempt: number;
}

// 1 + 32 + 2 + 4 + 3 + 5 = 47 characters of [a-z0-9]: within Anthropic's 64 and Bedrock's alphanumeric recordId.
const widths = { round: 2, shard: 4, attempt: 3, line: 5 } as const;
const prefixLength = 1 + 32 + widths.round + widths.shard + widths.attempt;

/** What all provider line ids of one sending begin with; unique across everything that we ever send. */
export function sendingPrefix(name: SendingName): string {
  return `b${name.batchId.slice('batch_'.length)}${base36(name.round, widths.round)}${base36(name.shard, widths.shard)}${base36(name.attempt, widths.attempt)}`;
}

/** @param position the line's place within its shard, from 0. */
export function providerLineId(prefix: string, position: number): string {
  return prefix + base36(position, widths.line);
}

/** A line id of any sending: the same length as every real one, so that sizes can be computed before sending. */
export const placeholderLineId = '0'.repeat(prefixLength + widths.line);

/** The ids of one sending as JSON strings in bytes, made one after the other in the same place. */
export class LineIdBytes {
  readonly #bytes: Buffer;

  constructor(prefix: string) {
    this.#bytes = Buffer.from(`"${providerLineId(prefix, 0)}"`);
  }

  /** @returns the quoted id of a line; good until the next call. */
  at(position: number): Buffer {
    let rest = position;
    for (let digit = 1; digit <= widths.line; digit += 1) {
      this.#bytes[this.#bytes.length - 1 - digit] = digits36.charCodeAt(rest % 36);
      rest = Math.floor(rest / 36);
    }
    if (rest > 0) throw new RangeError(`${position} does not fit in ${widths.line} base-36 digits.`);
    return this.#bytes;
  }
}

const digits36 = '0123456789abcdefghijklmnopqrstuvwxyz';

/** @returns the line's place within the shard, or null where the id is not of this sending. */
export function positionOf(lineId: string, prefix: string): number | null {
  if (lineId.length !== prefixLength + widths.line || lineId.slice(0, prefixLength) !== prefix) return null;
  let position = 0;
  for (let at = prefixLength; at < lineId.length; at += 1) {
    const digit = digits36.indexOf(lineId.charAt(at));
    if (digit < 0) return null;
    position = position * 36 + digit;
  }
  return position;
}

/** Finds the first id of this sending inside a damaged result line, and says which line it names. */
export function positionWithin(text: string, prefix: string): number | null {
  const start = text.indexOf(prefix);
  return start < 0 ? null : positionOf(text.slice(start, start + prefixLength + widths.line), prefix);
}

function base36(value: number, width: number): string {
  const digits = value.toString(36);
  if (digits.length > width) throw new RangeError(`${value} does not fit in ${width} base-36 digits.`);
  return digits.padStart(width, '0');
}
