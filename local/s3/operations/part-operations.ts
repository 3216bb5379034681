import { parseCopyRange } from '../byte-range.ts';
import type { OpenUpload } from '../catalog.ts';
import { checksumElement, checksumHeader } from '../checksum.ts';
import { storeCopy } from '../copied-body.ts';
import { S3Error } from '../errors.ts';
import { maxBodyBytes, type ReceivedBody, receiveBody } from '../incoming-body.ts';
import { maxPartNumber } from '../multipart-uploads.ts';
import type { ObjectStore } from '../object-store.ts';
import { emptyAnswer, numberParameter, type S3Answer, type S3Request, xmlAnswer } from '../s3-request.ts';
import type { StoredPart } from '../stored-object.ts';
import { element, textElement, xmlDocument } from '../xml.ts';
import { openUpload, uploadElements } from './multipart-operations.ts';
import { copyDocument, copySource, keepOrDiscard } from './object-operations.ts';

const maxPartsPerPage = 1000;

export async function uploadPart(store: ObjectStore, request: S3Request): Promise<S3Answer> {
  const partNumber = parsePartNumber(request);
  const algorithm = openUpload(store, request).checksum?.algorithm;
  const received = await receiveBody(request, store.bodies, algorithm);
  const part = commitPart(store, request, partNumber, received);
  const { checksum } = part;
  return emptyAnswer(200, {
    etag: `"${part.md5}"`,
    ...(checksum === undefined ? {} : { [checksumHeader(checksum.algorithm)]: checksum.value }),
  });
}

export async function uploadPartCopy(store: ObjectStore, request: S3Request): Promise<S3Answer> {
  const partNumber = parsePartNumber(request);
  const algorithm = openUpload(store, request).checksum?.algorithm;
  const source = copySource(store, request);
  const range = parseCopyRange(request.headers.get('x-amz-copy-source-range'), source.size);
  if (range.end - range.start + 1 > maxBodyBytes) {
    throw new S3Error('InvalidRequest', `The specified copy source is larger than ${maxBodyBytes} bytes.`);
  }
  const body = store.bodies.read(source.segments, range);
  const copied = await storeCopy(body.chunks, store.bodies, algorithm).finally(() => body.release());
  const part = commitPart(store, request, partNumber, copied);
  return xmlAnswer(copyDocument('CopyPartResult', part.lastModified, copied));
}

export function listParts(store: ObjectStore, request: S3Request): S3Answer {
  const upload = openUpload(store, request);
  const marker = numberParameter(request.query, 'part-number-marker', { min: 0, max: maxPartNumber, fallback: 0 });
  const limit = numberParameter(request.query, 'max-parts', {
    min: 1,
    max: maxPartsPerPage,
    fallback: maxPartsPerPage,
  });
  const parts = [...upload.parts.values()]
    .filter((part) => part.partNumber > marker)
    .sort((left, right) => left.partNumber - right.partNumber);
  const page = parts.slice(0, limit);
  const isTruncated = page.length < parts.length;
  return xmlAnswer(
    xmlDocument(
      'ListPartsResult',
      ...uploadElements(upload),
      textElement('PartNumberMarker', marker),
      textElement('NextPartNumberMarker', isTruncated ? page.at(-1)?.partNumber : undefined),
      textElement('MaxParts', limit),
      textElement('IsTruncated', isTruncated),
      ...page.map(partElement),
    ),
  );
}

/** The upload is looked up again: it may have ended while the part's body arrived. */
function commitPart(store: ObjectStore, request: S3Request, partNumber: number, received: ReceivedBody): StoredPart {
  return keepOrDiscard(store, received, () => {
    const upload = openUpload(store, request);
    checkPartChecksum(upload, received, store.strictChecksums);
    const { segment, md5, checksum } = received;
    const part = { partNumber, segment, md5, checksum, lastModified: Date.now() };
    store.bodies.discard(store.catalog.commit({ type: 'part-stored', uploadId: upload.uploadId, part }));
    return part;
  });
}

function checkPartChecksum(upload: OpenUpload, received: ReceivedBody, isStrict: boolean): void {
  const expected = upload.checksum?.algorithm;
  const actual = received.checksum?.algorithm;
  if ((isStrict || expected !== undefined) && expected !== actual) {
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${expected ?? 'null'}, actual checksum Type: ${actual ?? 'null'}`,
    );
  }
}

function parsePartNumber(request: S3Request): number {
  const partNumber = Number(request.query.get('partNumber'));
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > maxPartNumber) {
    throw new S3Error('InvalidArgument', `Part number must be an integer between 1 and ${maxPartNumber}, inclusive`);
  }
  return partNumber;
}

function partElement(part: StoredPart): string {
  const { checksum } = part;
  return element(
    'Part',
    textElement('PartNumber', part.partNumber),
    textElement('LastModified', new Date(part.lastModified).toISOString()),
    textElement('ETag', `"${part.md5}"`),
    textElement('Size', part.segment.size),
    checksum === undefined ? '' : textElement(checksumElement(checksum.algorithm), checksum.value),
  );
}
