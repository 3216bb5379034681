import { S3Error } from './errors.ts';

/** Source: S3 user guide, "Creating object key names". */
const maxKeyBytes = 1024;
const virtualHostSuffix = '.localhost';

interface RequestAddress {
  /** Empty for the service itself. */
  bucket: string;
  /** Empty for the bucket itself. */
  key: string;
  query: URLSearchParams;
}

/**
 * Reads bucket, key and query off a request line.
 *
 * Works on the raw path: a URL parser would fold `a/../b` and `//x`, which are ordinary keys.
 */
export function parseRequestAddress(target: string, host: string): RequestAddress {
  const [path = '', query = ''] = splitOnce(target, '?');
  const virtualHostBucket = bucketOfHost(host);
  const [firstSegment = '', rest = ''] = splitOnce(path.replace(/^\//, ''), '/');
  const [bucket, key] = virtualHostBucket === '' ? [firstSegment, rest] : [virtualHostBucket, path.slice(1)];
  return { bucket: decode(bucket), key: decodeKey(key), query: new URLSearchParams(query) };
}

/**
 * Reads the value of `x-amz-copy-source`.
 *
 * @throws S3Error NotImplemented for a version id.
 */
export function parseCopySource(source: string): { bucket: string; key: string } {
  const [path = '', query] = splitOnce(source, '?');
  if (query !== undefined) {
    throw new S3Error('NotImplemented', 'Object versions are not part of the local subset of S3.');
  }
  const [bucket = '', key = ''] = splitOnce(decode(path).replace(/^\//, ''), '/');
  if (bucket === '' || key === '') {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey');
  }
  return { bucket, key };
}

/**
 * The bucket of a virtual-host style address, or empty.
 *
 * Refuses names that are not of this machine, so that a web page cannot reach the server by rebinding its own name.
 */
function bucketOfHost(host: string): string {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (name === '127.0.0.1' || name === 'localhost' || name === '[::1]') {
    return '';
  }
  if (!name.endsWith(virtualHostSuffix)) {
    throw new S3Error('AccessDenied', `The local S3 server does not answer to the host name ${name}.`);
  }
  return name.slice(0, -virtualHostSuffix.length);
}

function decodeKey(encoded: string): string {
  const key = decode(encoded);
  if (Buffer.byteLength(key) > maxKeyBytes) {
    throw new S3Error('KeyTooLongError', 'Your key is too long');
  }
  return key;
}

function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new S3Error('InvalidURI', "Couldn't parse the specified URI.", { cause });
  }
}

function splitOnce(text: string, separator: string): string[] {
  const position = text.indexOf(separator);
  return position < 0 ? [text] : [text.slice(0, position), text.slice(position + separator.length)];
}
