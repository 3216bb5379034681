import type { Need } from '../permissions.ts';
import type { S3Operation } from './operation.ts';
import { parseCopySource } from './request-address.ts';
import type { S3Request } from './s3-request.ts';

/** Source: S3 user guide, "Required permissions for Amazon S3 API operations", read 2026-11. */
const actionOf: Record<S3Operation, string> = {
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  CompleteMultipartUpload: 's3:PutObject',
  CopyObject: 's3:PutObject',
  CreateBucket: 's3:CreateBucket',
  CreateMultipartUpload: 's3:PutObject',
  DeleteObject: 's3:DeleteObject',
  DeleteObjects: 's3:DeleteObject',
  GetBucketLocation: 's3:GetBucketLocation',
  GetObject: 's3:GetObject',
  HeadBucket: 's3:ListBucket',
  HeadObject: 's3:GetObject',
  ListBuckets: 's3:ListAllMyBuckets',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListParts: 's3:ListMultipartUploadParts',
  PutObject: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
};

/** What a request needs; the objects that DeleteObjects names in its body are asked for one by one. */
export function needsOfRequest(request: S3Request): Need[] {
  if (request.operation === 'DeleteObjects') return [];
  const own = { action: actionOf[request.operation], resource: arnOf(request.bucket, request.key) };
  return [own, ...readsBesides(request), ...attributesBesides(own.resource, request)];
}

/** A copy reads its source; a write on a condition about what is there reads that. Source: user guide, "Conditional writes". */
function readsBesides({ operation, bucket, key, headers }: S3Request): Need[] {
  const source = headers.get('x-amz-copy-source');
  const copied = source === undefined ? [] : [parseCopySource(source)];
  const isConditional = actionOf[operation] === 's3:PutObject' && headers.has('if-match');
  const read = [...copied, ...(isConditional ? [{ bucket, key }] : [])];
  return read.map((object) => ({ action: 's3:GetObject', resource: arnOf(object.bucket, object.key) }));
}

function attributesBesides(resource: string, { headers }: S3Request): Need[] {
  const tagging = headers.has('x-amz-tagging') ? [{ action: 's3:PutObjectTagging', resource }] : [];
  const acl = headers.has('x-amz-acl') ? [{ action: 's3:PutObjectAcl', resource }] : [];
  return [...tagging, ...acl];
}

/** Of an object that DeleteObjects names. */
export function needOfRemoval(bucket: string, key: string): Need {
  return { action: actionOf.DeleteObjects, resource: arnOf(bucket, key) };
}

/** Without it an object that is not there is a 403 and no 404. Source: S3 API reference, GetObject. */
export function needOfKnowingWhatIsMissing(bucket: string): Need {
  return { action: 's3:ListBucket', resource: arnOf(bucket, '') };
}

function arnOf(bucket: string, key: string): string {
  return key === '' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}
