import { z } from 'zod';
import type { ByteRange } from '../body-store.ts';
import { parseRange } from '../byte-range.ts';
import { checksumElement } from '../checksum.ts';
import { storeCopy } from '../copied-body.ts';
import { parseChecksumAlgorithm } from '../declared-body.ts';
import { S3Error } from '../errors.ts';
import { maxBodyBytes, type ReceivedBody, receiveBody, receiveDocument } from '../incoming-body.ts';
import { assertHeaderValue, checksumHeaders, describingHeaders, storableHeaders } from '../object-headers.ts';
import type { NewObject, ObjectStore } from '../object-store.ts';
import { checkCopySourceConditions, checkReadConditions, checkWriteConditions, matchesEtag } from '../preconditions.ts';
import { parseCopySource } from '../request-address.ts';
import { emptyAnswer, type S3Answer, type S3Request, xmlAnswer } from '../s3-request.ts';
import type { StoredObject } from '../stored-object.ts';
import { element, parseXml, textElement, xmlDocument } from '../xml.ts';

const maxKeysPerDeletion = 1000;

const deletionSchema = z.object({
  Delete: z.object({
    Object: z
      .array(z.object({ Key: z.string(), VersionId: z.string().optional(), ETag: z.string().optional() }))
      .min(1)
      .max(maxKeysPerDeletion),
    Quiet: z.string().optional(),
  }),
});

export async function putObject(store: ObjectStore, request: S3Request): Promise<S3Answer> {
  store.bucket(request.bucket);
  const headers = storableHeaders(request.headers);
  const received = await receiveBody(request, store.bodies);
  const object = keepOrDiscard(store, received, () =>
    store.create(request, wholeObject(received, headers), 'PutObject'),
  );
  return emptyAnswer(200, { etag: `"${object.etag}"`, ...checksumHeaders(object.checksum) });
}

export function getObject(store: ObjectStore, request: S3Request): S3Answer {
  const object = store.object(request.bucket, request.key);
  if (checkReadConditions(request.headers, object) === 'not-modified') {
    return notModified(object);
  }
  const range = requestedRange(request, object);
  const body = store.bodies.read(object.segments, range ?? { start: 0, end: object.size - 1 });
  return { status: range === undefined ? 200 : 206, headers: objectHeaders(request, object, range), body };
}

export function headObject(store: ObjectStore, request: S3Request): S3Answer {
  const object = store.object(request.bucket, request.key);
  if (checkReadConditions(request.headers, object) === 'not-modified') {
    return notModified(object);
  }
  const range = requestedRange(request, object);
  return emptyAnswer(range === undefined ? 200 : 206, objectHeaders(request, object, range));
}

/** A key that does not exist is deleted already. */
export function deleteObject(store: ObjectStore, request: S3Request): S3Answer {
  const current = store.bucket(request.bucket).objects.get(request.key);
  if (request.headers.has('if-match')) {
    checkWriteConditions(request.headers, current);
  }
  store.delete(request.bucket, request.key);
  return emptyAnswer(204);
}

export async function deleteObjects(store: ObjectStore, request: S3Request): Promise<S3Answer> {
  const { Delete: deletion } = parseXml(await receiveDocument(request, { checksumIsOfBody: true }), deletionSchema);
  if (deletion.Object.some(({ VersionId: versionId }) => versionId !== undefined)) {
    throw new S3Error('NotImplemented', 'Object versions are not part of the local subset of S3.');
  }
  store.bucket(request.bucket);
  const outcomes = deletion.Object.map(({ Key: key, ETag: etag }) => {
    if (!request.mayRemove(key)) return element('Error', textElement('Key', key), textElement('Code', 'AccessDenied'));
    const current = store.bucket(request.bucket).objects.get(key);
    if (etag !== undefined && (current === undefined || !matchesEtag(etag, current.etag))) {
      return element('Error', textElement('Key', key), textElement('Code', 'PreconditionFailed'));
    }
    store.delete(request.bucket, key);
    return deletion.Quiet === 'true' ? '' : element('Deleted', textElement('Key', key));
  });
  return xmlAnswer(xmlDocument('DeleteResult', ...outcomes));
}

export async function copyObject(store: ObjectStore, request: S3Request): Promise<S3Answer> {
  const source = copySource(store, request);
  store.bucket(request.bucket);
  const headers = copiedHeaders(request, source);
  const algorithm = request.headers.get('x-amz-checksum-algorithm');
  const body = store.bodies.read(source.segments, { start: 0, end: source.size - 1 });
  const copied = await storeCopy(
    body.chunks,
    store.bodies,
    algorithm === undefined ? source.checksum?.algorithm : parseChecksumAlgorithm(algorithm),
  ).finally(() => body.release());
  const object = keepOrDiscard(store, copied, () => store.create(request, wholeObject(copied, headers), 'CopyObject'));
  return xmlAnswer(copyDocument('CopyObjectResult', object.lastModified, copied));
}

/**
 * The object that a copy reads from, checked against the request's conditions.
 *
 * @throws S3Error NoSuchKey, PreconditionFailed and others
 */
export function copySource(store: ObjectStore, request: S3Request): StoredObject {
  const { bucket, key } = parseCopySource(request.headers.get('x-amz-copy-source') ?? '');
  const source = store.object(bucket, key);
  checkCopySourceConditions(request.headers, source);
  return source;
}

/** The answer to a copy of an object or of a part. */
export function copyDocument(rootName: string, lastModified: number, copied: ReceivedBody): string {
  const { checksum } = copied;
  return xmlDocument(
    rootName,
    textElement('LastModified', new Date(lastModified).toISOString()),
    textElement('ETag', `"${copied.md5}"`),
    checksum === undefined ? '' : textElement(checksumElement(checksum.algorithm), checksum.value),
  );
}

/** Commits a received body, which is thrown away again if that fails. */
export function keepOrDiscard<Result>(store: ObjectStore, received: ReceivedBody, commit: () => Result): Result {
  try {
    return commit();
  } catch (error) {
    store.bodies.discard([received.segment]);
    throw error;
  }
}

function wholeObject(received: ReceivedBody, headers: Record<string, string>): NewObject {
  const { segment, md5, checksum } = received;
  return { segments: [segment], size: segment.size, etag: md5, headers, checksum };
}

function copiedHeaders(request: S3Request, source: StoredObject): Record<string, string> {
  const directive = request.headers.get('x-amz-metadata-directive') ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw new S3Error('InvalidArgument', 'Unknown metadata directive.');
  }
  if (directive === 'COPY' && source.bucket === request.bucket && source.key === request.key) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.",
    );
  }
  if (source.size > maxBodyBytes) {
    throw new S3Error('InvalidRequest', `The specified copy source is larger than ${maxBodyBytes} bytes.`);
  }
  return directive === 'COPY' ? source.headers : storableHeaders(request.headers);
}

/** A range holds only for the version that If-Range names. */
function requestedRange(request: S3Request, object: StoredObject): ByteRange | undefined {
  const ifRange = request.headers.get('if-range');
  return ifRange === undefined || matchesEtag(ifRange, object.etag)
    ? parseRange(request.headers.get('range'), object.size)
    : undefined;
}

function objectHeaders(request: S3Request, object: StoredObject, range: ByteRange | undefined): Record<string, string> {
  const length = range === undefined ? object.size : range.end - range.start + 1;
  const isChecksumWanted = request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
  return {
    ...describingHeaders(object),
    // The checksum is that of the whole object, so a client would hold it against the wrong bytes of a range.
    ...(isChecksumWanted && range === undefined ? checksumHeaders(object.checksum) : {}),
    ...(range === undefined ? {} : { 'content-range': `bytes ${range.start}-${range.end}/${object.size}` }),
    ...answerOverrides(request.query),
    'content-length': String(length),
  };
}

/** Headers that the URL sets, e.g. response-content-disposition of a presigned download. */
function answerOverrides(query: URLSearchParams): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const [name, value] of query) {
    if (name.startsWith('response-')) {
      overrides[name.slice('response-'.length)] = assertHeaderValue(value);
    }
  }
  return overrides;
}

function notModified(object: StoredObject): S3Answer {
  const { etag = '', 'last-modified': lastModified = '' } = describingHeaders(object);
  return emptyAnswer(304, { etag, 'last-modified': lastModified });
}
