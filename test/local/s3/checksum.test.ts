import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChecksumAlgorithm, startChecksum } from '../../../local/s3/checksum.ts';
import { combineCrcs } from '../../../local/s3/combined-crc.ts';
import { runs } from '../../seed.ts';

function checksumOf(algorithm: ChecksumAlgorithm, content: Uint8Array): Buffer {
  const checksum = startChecksum(algorithm);
  checksum.update(content);
  return checksum.digest();
}

describe('checksums', () => {
  // The "check" values of the CRC catalogue (reveng.sourceforge.io) and of FIPS 180-4's tools.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ] as const)('%s of 123456789 is %s', (algorithm, expected) => {
    expect(checksumOf(algorithm, Buffer.from('123456789')).toString('hex')).toBe(expected);
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s of pieces combines into that of the whole', (algorithm) => {
    const contents = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
    fc.assert(
      fc.property(contents, (pieces) => {
        const crcs = pieces.map((piece) => ({ crc: checksumOf(algorithm, piece), size: piece.length }));
        expect(combineCrcs(algorithm, crcs)).toEqual(checksumOf(algorithm, Buffer.concat(pieces)));
      }),
      { numRuns: runs(50) },
    );
  });
});
