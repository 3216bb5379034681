import { type ResultFlags, resultFlags } from './line-index.ts';

/**
 * Where the result of each request stands in the two result files, so that a page of them is read by a few ranges. Blocks of a
 * thousand requests in the order of the input, little-endian; the last block holds what is left:
 *
 *   bytes of the output file before the block f64 | bytes of the error file before it f64
 *   and for each request: length of its result line with its newline u32 | flags u8, as in a shard's index of results
 */
export const requestsPerBlock = 1_000;

const headBytes = 16;
const entryBytes = 5;

/** Bytes of a whole block: block `n` begins at `n` times as many. */
export const blockBytes = headBytes + requestsPerBlock * entryBytes;

/** The result of one request. */
export interface PlacedResult extends ResultFlags {
  ordinal: number;
  /** Where its line begins in the output file where it succeeded, and else in the error file. */
  start: number;
  /** Of the line with its newline. */
  byteLength: number;
}

/** Makes the blocks, request by request. */
export class ResultPlacesEncoder {
  #bytes = Buffer.allocUnsafe(blockBytes);
  #length = 0;
  #requests = 0;
  #output = 0;
  #errors = 0;

  /** @param flags as a shard's index of results has them. */
  add(byteLength: number, flags: number): void {
    this.#reserve();
    if (this.#requests % requestsPerBlock === 0) this.#addHead();
    this.#bytes.writeUInt32LE(byteLength, this.#length);
    this.#bytes.writeUInt8(flags, this.#length + 4);
    this.#length += entryBytes;
    this.#requests += 1;
    if (resultFlags(flags).succeeded) this.#output += byteLength;
    else this.#errors += byteLength;
  }

  /** @returns what was added since the last time; good until the next `add`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #addHead(): void {
    this.#bytes.writeDoubleLE(this.#output, this.#length);
    this.#bytes.writeDoubleLE(this.#errors, this.#length + 8);
    this.#length += headBytes;
  }

  #reserve(): void {
    if (this.#length + headBytes + entryBytes > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length);
  }
}

/**
 * Reads blocks that follow each other.
 *
 * @param firstBlock the number of the first one.
 */
export function* placesIn(blocks: Buffer, firstBlock: number): Generator<PlacedResult> {
  for (let at = 0; at < blocks.length; at += blockBytes) {
    const firstOrdinal = (firstBlock + at / blockBytes) * requestsPerBlock;
    const block = blocks.subarray(at, at + blockBytes);
    let output = block.readDoubleLE(0);
    let errors = block.readDoubleLE(8);
    for (let entry = headBytes, ordinal = firstOrdinal; entry < block.length; entry += entryBytes, ordinal += 1) {
      const byteLength = block.readUInt32LE(entry);
      const flags = resultFlags(block.readUInt8(entry + 4));
      yield { ordinal, byteLength, ...flags, start: flags.succeeded ? output : errors };
      if (flags.succeeded) output += byteLength;
      else errors += byteLength;
    }
  }
}
