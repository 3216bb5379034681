import { type ChecksumAlgorithm, checksumAlgorithmSchema } from './checksum.ts';
import { S3Error } from './errors.ts';

/**
 * The one checksum algorithm that a request names in a header, a trailer or by itself.
 *
 * @throws S3Error InvalidRequest for more than one, NotImplemented for one that we cannot compute.
 */
export function requestedAlgorithm(headers: ReadonlyMap<string, string>): ChecksumAlgorithm | undefined {
  const names = new Set<string>();
  for (const name of [...headers.keys(), headers.get('x-amz-trailer') ?? '']) {
    const suffix = name.toLowerCase().match(/^x-amz-checksum-(?!mode$|type$|algorithm$)(.+)$/)?.[1];
    if (suffix !== undefined) {
      names.add(suffix.toUpperCase());
    }
  }
  const declared = headers.get('x-amz-sdk-checksum-algorithm') ?? headers.get('x-amz-checksum-algorithm');
  if (declared !== undefined) {
    names.add(declared.toUpperCase());
  }
  if (names.size > 1) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const [name] = names;
  return name === undefined ? undefined : parseChecksumAlgorithm(name);
}

/** @throws S3Error NotImplemented for an algorithm that we cannot compute. */
export function parseChecksumAlgorithm(name: string): ChecksumAlgorithm {
  const algorithm = checksumAlgorithmSchema.safeParse(name.toUpperCase());
  if (!algorithm.success) {
    throw new S3Error('NotImplemented', `The checksum ${name} is not part of the local subset of S3.`);
  }
  return algorithm.data;
}

/** Whether the body comes in the framing `aws-chunked`. */
export function isAwsChunked(headers: ReadonlyMap<string, string>): boolean {
  return headers.get('x-amz-content-sha256')?.startsWith('STREAMING-') ?? false;
}

/** The SHA-256 that a signed request states, unless it says that the payload is unsigned or streamed. */
export function declaredSha256(headers: ReadonlyMap<string, string>): string | undefined {
  const header = headers.get('x-amz-content-sha256');
  return header !== undefined && /^[0-9a-f]{64}$/.test(header) ? header : undefined;
}

/**
 * Bytes of the body without its framing.
 *
 * @throws S3Error MissingContentLength
 */
export function declaredLength(headers: ReadonlyMap<string, string>): number {
  const header = headers.get(isAwsChunked(headers) ? 'x-amz-decoded-content-length' : 'content-length');
  if (header === undefined || !/^\d+$/.test(header)) {
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  return Number(header);
}
