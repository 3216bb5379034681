import { checksumHeader } from './checksum.ts';
import { S3Error } from './errors.ts';
import type { StoredChecksum, StoredObject } from './stored-object.ts';

const metadataPrefix = 'x-amz-meta-';
/** Names without the prefix, plus values. Source: S3 user guide, "Working with object metadata". */
const maxMetadataBytes = 2048;
const defaultContentType = 'binary/octet-stream';

const keptHeaders = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'];

/** What HTTP can carry; a presigned URL's query could hold more. */
const headerValuePattern = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** Asks for something that would be lost if we let it pass. */
const refusedHeaders = /^x-amz-(tagging$|object-lock-|website-|server-side-encryption-customer-|write-offset-)/;

/**
 * The headers to keep with an object.
 *
 * Storage class, ACL and encryption at rest have no meaning here and are dropped.
 *
 * @throws S3Error MetadataTooLarge; InvalidArgument for values that no header can hold; NotImplemented for tags, object lock, customer keys, redirects and appends.
 */
export function storableHeaders(headers: ReadonlyMap<string, string>): Record<string, string> {
  const refused = headers.keys().find((name) => refusedHeaders.test(name));
  if (refused !== undefined) {
    throw new S3Error('NotImplemented', `The header ${refused} is not part of the local subset of S3.`);
  }
  const kept: Record<string, string> = { 'content-type': defaultContentType };
  for (const [name, value] of headers) {
    if (keptHeaders.includes(name) || name.startsWith(metadataPrefix)) {
      kept[name] = assertHeaderValue(value);
    }
  }
  const contentEncoding = withoutAwsChunked(headers.get('content-encoding') ?? '');
  if (contentEncoding !== '') {
    kept['content-encoding'] = contentEncoding;
  }
  checkMetadataSize(kept);
  return kept;
}

/** The headers that describe an object in answers to GET and HEAD. */
export function describingHeaders(object: StoredObject): Record<string, string> {
  return {
    ...object.headers,
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.lastModified).toUTCString(),
  };
}

export function checksumHeaders(checksum: StoredChecksum | undefined): Record<string, string> {
  return checksum === undefined
    ? {}
    : { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** @throws S3Error InvalidArgument for a value that no header can hold. */
export function assertHeaderValue(value: string): string {
  if (!headerValuePattern.test(value)) {
    throw new S3Error('InvalidArgument', 'Header value cannot be represented using ISO-8859-1.');
  }
  return value;
}

/** `aws-chunked` is about the transfer, not about the object. */
function withoutAwsChunked(contentEncoding: string): string {
  const encodings = contentEncoding.split(',').map((encoding) => encoding.trim());
  return encodings.filter((encoding) => encoding !== 'aws-chunked').join(',');
}

function checkMetadataSize(headers: Record<string, string>): void {
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith(metadataPrefix));
  const bytes = metadata.reduce(
    (sum, [name, value]) => sum + name.length - metadataPrefix.length + Buffer.byteLength(value, 'latin1'),
    0,
  );
  if (bytes > maxMetadataBytes) {
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size');
  }
}
