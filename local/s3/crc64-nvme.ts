/** CRC-64/NVME, bit-reversed polynomial. Source: NVM Express NVM Command Set Specification, section 5.2.1.3.4. */
export const crc64NvmePolynomial = 0x9a6c9329ac4bc9b5n;

const lowHalf = 0xffffffffn;
/** The table in two halves of 32 bits: BigInt arithmetic per byte would be some hundred times slower. */
const { highTable, lowTable } = buildTables();

/** CRC-64/NVME of the bytes given so far. */
export class RunningCrc64Nvme {
  #invertedHigh = -1;
  #invertedLow = -1;

  update(chunk: Uint8Array): void {
    let high = this.#invertedHigh;
    let low = this.#invertedLow;
    for (const byte of chunk) {
      const index = (low ^ byte) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (lowTable[index] ?? 0);
      high = (high >>> 8) ^ (highTable[index] ?? 0);
    }
    this.#invertedHigh = high;
    this.#invertedLow = low;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(~this.#invertedHigh >>> 0, 0);
    bytes.writeUInt32BE(~this.#invertedLow >>> 0, 4);
    return bytes;
  }
}

function buildTables(): { highTable: Int32Array; lowTable: Int32Array } {
  const highTable = new Int32Array(256);
  const lowTable = new Int32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    const entry = tableEntry(BigInt(byte));
    highTable[byte] = Number(entry >> 32n) | 0;
    lowTable[byte] = Number(entry & lowHalf) | 0;
  }
  return { highTable, lowTable };
}

function tableEntry(byte: bigint): bigint {
  let state = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    state = state & 1n ? (state >> 1n) ^ crc64NvmePolynomial : state >> 1n;
  }
  return state;
}
