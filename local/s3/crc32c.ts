/** CRC-32C (Castagnoli), bit-reversed polynomial. Source: RFC 3720, appendix B.4. */
export const crc32cPolynomial = 0x82f63b78;

const table = buildTable();

/** CRC-32C of the bytes given so far. */
export class RunningCrc32c {
  #inverted = 0xffffffff;

  update(chunk: Uint8Array): void {
    let state = this.#inverted;
    for (const byte of chunk) {
      state = (state >>> 8) ^ (table[(state ^ byte) & 0xff] ?? 0);
    }
    this.#inverted = state;
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(~this.#inverted >>> 0);
    return bytes;
  }
}

function buildTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let state = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      state = state & 1 ? (state >>> 1) ^ crc32cPolynomial : state >>> 1;
    }
    return state;
  });
}
