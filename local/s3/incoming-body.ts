import { createHash, type Hash } from 'node:crypto';
import { decodeAwsChunked } from './aws-chunked.ts';
import type { BodyStore } from './body-store.ts';
import { type ChecksumAlgorithm, checksumHeader, type RunningChecksum, startChecksum } from './checksum.ts';
import { declaredLength, declaredSha256, isAwsChunked, requestedAlgorithm } from './declared-body.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './s3-request.ts';
import type { Segment, StoredChecksum } from './stored-object.ts';

/** 5 GiB, for one PUT or one part. Source: S3 user guide, "Amazon S3 multipart upload limits". */
export const maxBodyBytes = 5 * 1024 ** 3;
/** 10,000 parts with all their checksums take about 4 MB. */
const maxDocumentBytes = 8 * 1024 ** 2;

/** A body that has arrived whole and is what its sender says it is; no commit names it yet. */
export interface ReceivedBody {
  segment: Segment;
  /** Hexadecimal. */
  md5: string;
  checksum: StoredChecksum | undefined;
}

/** What the sender promises about a body, and what we count while it passes. */
interface BodyCheck {
  headers: ReadonlyMap<string, string>;
  trailers: Map<string, string>;
  algorithm: ChecksumAlgorithm | undefined;
  length: number;
  receivedBytes: number;
  md5: Hash;
  sha256: Hash | undefined;
  checksum: RunningChecksum | undefined;
}

/**
 * Streams a request's body into the body store and verifies every digest that came with it.
 *
 * @param fallbackAlgorithm the checksum to store when the request names none.
 * @throws S3Error BadDigest, InvalidDigest, XAmzContentSHA256Mismatch, IncompleteBody, EntityTooLarge,
 *   MissingContentLength; nothing is left behind then.
 */
export async function receiveBody(
  request: S3Request,
  bodies: BodyStore,
  fallbackAlgorithm?: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const check = startCheck(request.headers, requestedAlgorithm(request.headers) ?? fallbackAlgorithm);
  const segment = await bodies.write(checkedContent(request.body, check));
  try {
    return { segment, ...verify(check) };
  } catch (error) {
    bodies.discard([segment]);
    throw error;
  }
}

/**
 * Reads a request's XML document.
 *
 * @param options.checksumIsOfBody false where the x-amz-checksum headers speak of an object instead.
 */
export async function receiveDocument(request: S3Request, options: { checksumIsOfBody: boolean }): Promise<string> {
  const algorithm = options.checksumIsOfBody ? requestedAlgorithm(request.headers) : undefined;
  const check = startCheck(request.headers, algorithm);
  if (check.length > maxDocumentBytes) {
    throw new S3Error('EntityTooLarge', `A request document may have at most ${maxDocumentBytes} bytes.`);
  }
  const text = Buffer.concat(await Array.fromAsync(checkedContent(request.body, check))).toString('utf8');
  verify(check);
  return text;
}

function startCheck(headers: ReadonlyMap<string, string>, algorithm: ChecksumAlgorithm | undefined): BodyCheck {
  const length = declaredLength(headers);
  if (length > maxBodyBytes) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
  }
  return {
    headers,
    trailers: new Map(),
    algorithm,
    length,
    receivedBytes: 0,
    md5: createHash('md5'),
    sha256: declaredSha256(headers) === undefined ? undefined : createHash('sha256'),
    checksum: algorithm === undefined ? undefined : startChecksum(algorithm),
  };
}

async function* checkedContent(body: AsyncIterable<Uint8Array>, check: BodyCheck): AsyncGenerator<Uint8Array> {
  const content = isAwsChunked(check.headers) ? decodeAwsChunked(body, check.trailers) : body;
  for await (const chunk of content) {
    check.receivedBytes += chunk.byteLength;
    if (check.receivedBytes > check.length) {
      throw incompleteBody();
    }
    check.md5.update(chunk);
    check.sha256?.update(chunk);
    check.checksum?.update(chunk);
    yield chunk;
  }
  if (check.receivedBytes !== check.length) {
    throw incompleteBody();
  }
}

function verify(check: BodyCheck): Pick<ReceivedBody, 'md5' | 'checksum'> {
  const md5 = check.md5.digest();
  verifyContentMd5(check.headers.get('content-md5'), md5);
  const sha256 = check.sha256?.digest('hex');
  if (sha256 !== declaredSha256(check.headers)) {
    throw new S3Error(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  return { md5: md5.toString('hex'), checksum: verifyChecksum(check) };
}

function verifyContentMd5(header: string | undefined, md5: Buffer): void {
  if (header === undefined) {
    return;
  }
  const expected = Buffer.from(header, 'base64');
  if (expected.length !== md5.length) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
  }
  if (!expected.equals(md5)) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
}

function verifyChecksum(check: BodyCheck): StoredChecksum | undefined {
  const { algorithm, headers, trailers } = check;
  const actual = check.checksum?.digest().toString('base64');
  if (algorithm === undefined || actual === undefined) {
    return undefined;
  }
  const name = checksumHeader(algorithm);
  const expected = headers.get(name) ?? trailers.get(name);
  if (expected === undefined && headers.get('x-amz-trailer')?.toLowerCase() === name) {
    throw new S3Error('IncompleteBody', `The announced trailer ${name} did not arrive.`);
  }
  if (expected !== undefined && expected !== actual) {
    throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
  return { algorithm, value: actual, type: 'FULL_OBJECT' };
}

function incompleteBody(): S3Error {
  return new S3Error(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  );
}
