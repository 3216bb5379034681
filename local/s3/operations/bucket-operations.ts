import { S3Error } from '../errors.ts';
import { localRegion } from '../object-created-event.ts';
import type { ObjectStore } from '../object-store.ts';
import { emptyAnswer, type S3Answer, type S3Request, xmlAnswer } from '../s3-request.ts';
import { element, textElement, xmlDocument } from '../xml.ts';

const bucketNamePattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export function listBuckets(store: ObjectStore): S3Answer {
  const names = [...store.catalog.buckets.keys()].sort();
  const buckets = names.map((name) => {
    const createdAt = new Date(store.bucket(name).createdAt).toISOString();
    return element('Bucket', textElement('Name', name), textElement('CreationDate', createdAt));
  });
  const owner = element('Owner', textElement('ID', 'local'), textElement('DisplayName', 'local'));
  return xmlAnswer(xmlDocument('ListAllMyBucketsResult', owner, element('Buckets', ...buckets)));
}

/** Idempotent: a bucket that exists is yours. */
export function createBucket(store: ObjectStore, request: S3Request): S3Answer {
  assertBucketName(request.bucket);
  store.createBucket(request.bucket);
  return emptyAnswer(200, { location: `/${request.bucket}` });
}

export function headBucket(store: ObjectStore, request: S3Request): S3Answer {
  store.bucket(request.bucket);
  return emptyAnswer(200, { 'x-amz-bucket-region': localRegion });
}

/** An empty location means us-east-1. */
export function getBucketLocation(store: ObjectStore, request: S3Request): S3Answer {
  store.bucket(request.bucket);
  return xmlAnswer(xmlDocument('LocationConstraint'));
}

/** @throws S3Error InvalidBucketName */
export function assertBucketName(name: string): void {
  if (!bucketNamePattern.test(name)) {
    throw new S3Error('InvalidBucketName', `The specified bucket is not valid: ${name}`);
  }
}
