import { randomBytes } from 'node:crypto';
import type { OpenUpload } from '../catalog.ts';
import { checksumElement, checksumHeader } from '../checksum.ts';
import { isCombinable } from '../combined-crc.ts';
import { parseChecksumAlgorithm } from '../declared-body.ts';
import { S3Error } from '../errors.ts';
import { receiveDocument } from '../incoming-body.ts';
import { assembleObject, completionSchema } from '../multipart-uploads.ts';
import { storableHeaders } from '../object-headers.ts';
import type { NewObject, ObjectStore } from '../object-store.ts';
import { emptyAnswer, type S3Answer, type S3Request, xmlAnswer } from '../s3-request.ts';
import { checksumTypeSchema, type StoredObject, type StoredUpload } from '../stored-object.ts';
import { parseXml, textElement, xmlDocument } from '../xml.ts';

export function createMultipartUpload(store: ObjectStore, request: S3Request): S3Answer {
  store.bucket(request.bucket);
  const upload: StoredUpload = {
    uploadId: randomBytes(24).toString('base64url'),
    bucket: request.bucket,
    key: request.key,
    initiated: Date.now(),
    headers: storableHeaders(request.headers),
    checksum: requestedChecksum(request),
  };
  store.catalog.commit({ type: 'upload-created', upload });
  const { checksum } = upload;
  return xmlAnswer(
    xmlDocument('InitiateMultipartUploadResult', ...uploadElements(upload)),
    checksum === undefined
      ? {}
      : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type },
  );
}

/**
 * Turns the parts into an object, in one commit.
 *
 * A client that lost the answer asks again; then the object that this very upload made is the answer.
 */
export async function completeMultipartUpload(store: ObjectStore, request: S3Request): Promise<S3Answer> {
  const document = await receiveDocument(request, { checksumIsOfBody: false });
  const { Part: claims } = parseXml(document, completionSchema).CompleteMultipartUpload;
  const completed = store.bucket(request.bucket).objects.get(request.key);
  if (completed?.uploadId !== undefined && completed.uploadId === request.query.get('uploadId')) {
    return completionAnswer(completed);
  }
  const content = assembleObject(openUpload(store, request), claims);
  checkCompletion(request, content);
  return completionAnswer(store.create(request, content, 'CompleteMultipartUpload'));
}

export function abortMultipartUpload(store: ObjectStore, request: S3Request): S3Answer {
  const { uploadId } = openUpload(store, request);
  store.bodies.discard(store.catalog.commit({ type: 'upload-aborted', uploadId }));
  return emptyAnswer(204);
}

/**
 * The upload that a request names.
 *
 * @throws S3Error NoSuchBucket, NoSuchUpload
 */
export function openUpload(store: ObjectStore, request: S3Request): OpenUpload {
  store.bucket(request.bucket);
  const upload = store.catalog.uploads.get(request.query.get('uploadId') ?? '');
  if (upload === undefined || upload.bucket !== request.bucket || upload.key !== request.key) {
    throw new S3Error(
      'NoSuchUpload',
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    );
  }
  return upload;
}

/** CRC-64/NVME is always of the full object, hashes never are. */
function requestedChecksum(request: S3Request): StoredUpload['checksum'] {
  const name = request.headers.get('x-amz-checksum-algorithm');
  if (name === undefined) {
    return undefined;
  }
  const algorithm = parseChecksumAlgorithm(name);
  const fallback = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const type = checksumTypeSchema.safeParse(request.headers.get('x-amz-checksum-type') ?? fallback);
  const isPossible =
    type.success && (type.data === 'FULL_OBJECT' ? isCombinable(algorithm) : algorithm !== 'CRC64NVME');
  if (!isPossible) {
    throw new S3Error('InvalidRequest', `The checksum type cannot be used with the ${algorithm} checksum algorithm.`);
  }
  return { algorithm, type: type.data };
}

/** Holds the object against the size and the checksum that the client has computed over the whole. */
function checkCompletion(request: S3Request, content: NewObject): void {
  const size = request.headers.get('x-amz-mp-object-size');
  if (size !== undefined && Number(size) !== content.size) {
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${size} does not match what was computed: ${content.size}`,
    );
  }
  const { checksum } = content;
  const claimed = checksum === undefined ? undefined : request.headers.get(checksumHeader(checksum.algorithm));
  if (claimed !== undefined && ![checksum?.value, checksum?.value.split('-')[0]].includes(claimed)) {
    throw new S3Error('BadDigest', `The ${checksum?.algorithm} you specified did not match the calculated checksum.`);
  }
}

function completionAnswer(object: StoredObject): S3Answer {
  const { checksum } = object;
  return xmlAnswer(
    xmlDocument(
      'CompleteMultipartUploadResult',
      textElement('Location', `/${object.bucket}/${encodeURIComponent(object.key)}`),
      textElement('Bucket', object.bucket),
      textElement('Key', object.key),
      textElement('ETag', `"${object.etag}"`),
      checksum === undefined ? '' : textElement(checksumElement(checksum.algorithm), checksum.value),
      textElement('ChecksumType', checksum?.type),
    ),
  );
}

/** What the answers about an upload begin with. */
export function uploadElements(upload: StoredUpload): string[] {
  return [
    textElement('Bucket', upload.bucket),
    textElement('Key', upload.key),
    textElement('UploadId', upload.uploadId),
    textElement('ChecksumAlgorithm', upload.checksum?.algorithm),
    textElement('ChecksumType', upload.checksum?.type),
  ];
}
