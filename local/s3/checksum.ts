import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { RunningCrc32c } from './crc32c.ts';
import { RunningCrc64Nvme } from './crc64-nvme.ts';

export const checksumAlgorithmSchema = z.enum(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']);
export type ChecksumAlgorithm = z.infer<typeof checksumAlgorithmSchema>;

/** A checksum in the making. */
export interface RunningChecksum {
  update(chunk: Uint8Array): void;
  /** The checksum's bytes, big-endian, as S3 encodes them in Base64. */
  digest(): Buffer;
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return new RunningCrc32();
    case 'CRC32C':
      return new RunningCrc32c();
    case 'CRC64NVME':
      return new RunningCrc64Nvme();
    case 'SHA1':
      return createHash('sha1');
    case 'SHA256':
      return createHash('sha256');
  }
}

/** The header (or trailer) that carries a checksum of this algorithm. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element that carries a checksum of this algorithm. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

class RunningCrc32 implements RunningChecksum {
  #value = 0;

  update(chunk: Uint8Array): void {
    this.#value = crc32(chunk, this.#value);
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes;
  }
}
