import type { OpenUpload } from '../catalog.ts';
import type { ObjectStore } from '../object-store.ts';
import { numberParameter, type S3Answer, type S3Request, xmlAnswer } from '../s3-request.ts';
import { compareUtf8 } from '../sorted-keys.ts';
import { element, textElement, xmlDocument } from '../xml.ts';
import { parseEncoding } from './list-operations.ts';

const maxUploadsPerPage = 1000;

/** Unfinished uploads by key, those of one key by time. */
export function listMultipartUploads(store: ObjectStore, request: S3Request): S3Answer {
  const { query } = request;
  const encode = parseEncoding(query);
  const limit = numberParameter(query, 'max-uploads', { min: 1, max: maxUploadsPerPage, fallback: maxUploadsPerPage });
  const uploads = uploadsAfterMarker(store, request);
  const page = uploads.slice(0, limit);
  const isTruncated = page.length < uploads.length;
  const last = isTruncated ? page.at(-1) : undefined;
  return xmlAnswer(
    xmlDocument(
      'ListMultipartUploadsResult',
      textElement('Bucket', request.bucket),
      textElement('Prefix', encode(query.get('prefix') ?? '')),
      textElement('KeyMarker', encode(query.get('key-marker') ?? '')),
      textElement('UploadIdMarker', query.get('upload-id-marker') ?? ''),
      textElement('NextKeyMarker', last === undefined ? undefined : encode(last.key)),
      textElement('NextUploadIdMarker', last?.uploadId),
      textElement('EncodingType', query.get('encoding-type') ?? undefined),
      textElement('MaxUploads', limit),
      textElement('IsTruncated', isTruncated),
      ...page.map((upload) => uploadElement(upload, encode)),
    ),
  );
}

function uploadsAfterMarker(store: ObjectStore, request: S3Request): OpenUpload[] {
  store.bucket(request.bucket);
  const prefix = request.query.get('prefix') ?? '';
  const keyMarker = request.query.get('key-marker') ?? '';
  const uploadIdMarker = request.query.get('upload-id-marker') ?? '';
  const uploads = [...store.catalog.uploads.values()]
    .filter((upload) => upload.bucket === request.bucket && upload.key.startsWith(prefix))
    .sort((left, right) => compareUtf8(left.key, right.key) || left.initiated - right.initiated);
  const markerIndex = uploads.findIndex((upload) => upload.uploadId === uploadIdMarker);
  return uploads.filter((upload, index) => {
    const order = compareUtf8(upload.key, keyMarker);
    return order > 0 || (order === 0 && markerIndex >= 0 && index > markerIndex);
  });
}

function uploadElement(upload: OpenUpload, encode: (text: string) => string): string {
  return element(
    'Upload',
    textElement('Key', encode(upload.key)),
    textElement('UploadId', upload.uploadId),
    textElement('Initiated', new Date(upload.initiated).toISOString()),
    textElement('StorageClass', 'STANDARD'),
    textElement('ChecksumAlgorithm', upload.checksum?.algorithm),
    textElement('ChecksumType', upload.checksum?.type),
  );
}
