import type { ObjectStore } from '../object-store.ts';
import type { S3Operation } from '../operation.ts';
import type { S3Answer, S3Request } from '../s3-request.ts';
import { createBucket, getBucketLocation, headBucket, listBuckets } from './bucket-operations.ts';
import { listMultipartUploads } from './list-multipart-uploads.ts';
import { listObjects, listObjectsV2 } from './list-operations.ts';
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload } from './multipart-operations.ts';
import { copyObject, deleteObject, deleteObjects, getObject, headObject, putObject } from './object-operations.ts';
import { listParts, uploadPart, uploadPartCopy } from './part-operations.ts';

type Handler = (store: ObjectStore, request: S3Request) => S3Answer | Promise<S3Answer>;

export const handlers: Record<S3Operation, Handler> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateBucket: createBucket,
  CreateMultipartUpload: createMultipartUpload,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetBucketLocation: getBucketLocation,
  GetObject: getObject,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBuckets: listBuckets,
  ListMultipartUploads: listMultipartUploads,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListParts: listParts,
  PutObject: putObject,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
};
