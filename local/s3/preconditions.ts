import { S3Error } from './errors.ts';
import type { StoredObject } from './stored-object.ts';

interface Conditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
  ifUnmodifiedSince: string | undefined;
}

type Verdict = 'proceed' | 'not-modified';

/**
 * Decides a conditional GET or HEAD.
 *
 * @throws S3Error PreconditionFailed
 * Source: RFC 9110, section 13.2.2 (an ETag's condition outweighs a date's).
 */
export function checkReadConditions(headers: ReadonlyMap<string, string>, object: StoredObject): Verdict {
  const conditions = readConditions(headers, '');
  if (!isWanted(conditions, object)) {
    throw preconditionFailed();
  }
  return isNew(conditions, object) ? 'proceed' : 'not-modified';
}

/** @throws S3Error PreconditionFailed unless the source of a copy is as the request wants it. */
export function checkCopySourceConditions(headers: ReadonlyMap<string, string>, source: StoredObject): void {
  const conditions = readConditions(headers, 'x-amz-copy-source-');
  if (!isWanted(conditions, source) || !isNew(conditions, source)) {
    throw preconditionFailed();
  }
}

/**
 * Decides a conditional write; to be called in the same turn as the commit.
 *
 * @throws S3Error PreconditionFailed; NoSuchKey if an ETag is to match and there is no object.
 */
export function checkWriteConditions(headers: ReadonlyMap<string, string>, current: StoredObject | undefined): void {
  const { ifMatch, ifNoneMatch } = readConditions(headers, '');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match on a write takes * only.');
  }
  if (ifNoneMatch === '*' && current !== undefined) {
    throw preconditionFailed();
  }
  if (ifMatch === undefined) {
    return;
  }
  if (current === undefined) {
    throw new S3Error('NoSuchKey', 'The specified key does not exist.');
  }
  if (!matchesEtag(ifMatch, current.etag)) {
    throw preconditionFailed();
  }
}

/** Whether a header with one or more ETags, or `*`, names this one. */
export function matchesEtag(header: string, etag: string): boolean {
  return header.split(',').some((candidate) => {
    const bare = candidate.trim().replace(/^W\//, '').replaceAll('"', '');
    return bare === '*' || bare === etag;
  });
}

function readConditions(headers: ReadonlyMap<string, string>, prefix: string): Conditions {
  return {
    ifMatch: headers.get(`${prefix}if-match`),
    ifNoneMatch: headers.get(`${prefix}if-none-match`),
    ifModifiedSince: headers.get(`${prefix}if-modified-since`),
    ifUnmodifiedSince: headers.get(`${prefix}if-unmodified-since`),
  };
}

function isWanted(conditions: Conditions, object: StoredObject): boolean {
  if (conditions.ifMatch !== undefined) {
    return matchesEtag(conditions.ifMatch, object.etag);
  }
  const since = Date.parse(conditions.ifUnmodifiedSince ?? '');
  return Number.isNaN(since) || wholeSeconds(object.lastModified) <= wholeSeconds(since);
}

function isNew(conditions: Conditions, object: StoredObject): boolean {
  if (conditions.ifNoneMatch !== undefined) {
    return !matchesEtag(conditions.ifNoneMatch, object.etag);
  }
  const since = Date.parse(conditions.ifModifiedSince ?? '');
  return Number.isNaN(since) || wholeSeconds(object.lastModified) > wholeSeconds(since);
}

/** HTTP dates have no fraction. */
function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

function preconditionFailed(): S3Error {
  return new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
}
