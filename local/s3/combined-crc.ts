import type { ChecksumAlgorithm } from './checksum.ts';
import { crc32cPolynomial } from './crc32c.ts';
import { crc64NvmePolynomial } from './crc64-nvme.ts';

/** CRC-32 (ISO-HDLC), bit-reversed polynomial. Source: RFC 1952, section 8. */
const crc32Polynomial = 0xedb88320;

interface CrcField {
  width: bigint;
  polynomial: bigint;
}

const fieldByAlgorithm: Partial<Record<ChecksumAlgorithm, CrcField>> = {
  CRC32: { width: 32n, polynomial: BigInt(crc32Polynomial) },
  CRC32C: { width: 32n, polynomial: BigInt(crc32cPolynomial) },
  CRC64NVME: { width: 64n, polynomial: crc64NvmePolynomial },
};

/** One stretch of a longer content. */
export interface CrcPiece {
  crc: Buffer;
  size: number;
}

/** Whether the checksum of a whole can be told from the checksums of its pieces. */
export function isCombinable(algorithm: ChecksumAlgorithm): boolean {
  return fieldByAlgorithm[algorithm] !== undefined;
}

/**
 * The CRC of the pieces' concatenation, without reading them again.
 *
 * A CRC is a remainder of polynomial division, so appending n bytes multiplies it by x^(8n) before the CRC of those
 * bytes is added (XOR).
 *
 * @throws TypeError for an algorithm that is not a CRC.
 */
export function combineCrcs(algorithm: ChecksumAlgorithm, pieces: CrcPiece[]): Buffer {
  const field = fieldByAlgorithm[algorithm];
  if (field === undefined) {
    throw new TypeError(`${algorithm} checksums cannot be combined.`);
  }
  // Parts mostly have one size, and a shift costs some thousand BigInt steps.
  const shiftBySize = new Map<number, bigint>();
  const combined = pieces.reduce((whole, piece) => {
    const shift = shiftBySize.get(piece.size) ?? powerOfX(field, 8n * BigInt(piece.size));
    shiftBySize.set(piece.size, shift);
    return multiply(field, whole, shift) ^ BigInt(`0x${piece.crc.toString('hex')}`);
  }, 0n);
  return Buffer.from(combined.toString(16).padStart(Number(field.width / 4n), '0'), 'hex');
}

/** x^exponent modulo the polynomial, by repeated squaring; the highest bit stands for x^0. */
function powerOfX(field: CrcField, exponent: bigint): bigint {
  let power = 1n << (field.width - 1n);
  let square = 1n << (field.width - 2n);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) {
      power = multiply(field, power, square);
    }
    square = multiply(field, square, square);
  }
  return power;
}

function multiply(field: CrcField, left: bigint, right: bigint): bigint {
  let product = 0n;
  let shifted = right;
  for (let bit = field.width - 1n; bit >= 0n; bit -= 1n) {
    if ((left >> bit) & 1n) {
      product ^= shifted;
    }
    shifted = shifted & 1n ? (shifted >> 1n) ^ field.polynomial : shifted >> 1n;
  }
  return product;
}
