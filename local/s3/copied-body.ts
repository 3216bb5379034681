import { createHash } from 'node:crypto';
import type { BodyStore } from './body-store.ts';
import { type ChecksumAlgorithm, startChecksum } from './checksum.ts';
import type { ReceivedBody } from './incoming-body.ts';

/**
 * Stores content that comes from an object of our own, with the digests that an upload of it would have.
 *
 * The bytes are read again rather than linked: a copy's ETag is the MD5 of its content, a multipart source's is not.
 */
export async function storeCopy(
  content: AsyncIterable<Uint8Array>,
  bodies: BodyStore,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<ReceivedBody> {
  const md5 = createHash('md5');
  const checksum = algorithm === undefined ? undefined : startChecksum(algorithm);
  async function* digested(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      md5.update(chunk);
      checksum?.update(chunk);
      yield chunk;
    }
  }
  const segment = await bodies.write(digested());
  const value = checksum?.digest().toString('base64');
  return {
    segment,
    md5: md5.digest('hex'),
    checksum: algorithm === undefined || value === undefined ? undefined : { algorithm, value, type: 'FULL_OBJECT' },
  };
}
