import type { OpenBody } from './body-store.ts';
import { S3Error } from './errors.ts';
import type { S3Operation } from './operation.ts';

/** A request that has been understood; its body is still to be read. */
export interface S3Request {
  requestId: string;
  /** The access key id that signed it. */
  caller: string;
  operation: S3Operation;
  bucket: string;
  key: string;
  query: URLSearchParams;
  /** Names in lower case. A presigned URL's `x-amz-*` parameters count as headers. */
  headers: ReadonlyMap<string, string>;
  body: AsyncIterable<Uint8Array>;
  /** Whether its caller may remove an object that DeleteObjects names. */
  mayRemove(key: string): boolean;
}

export interface S3Answer {
  status: number;
  headers: Record<string, string>;
  body?: string | OpenBody;
}

export function emptyAnswer(status: number, headers: Record<string, string> = {}): S3Answer {
  return { status, headers };
}

export function xmlAnswer(body: string, headers: Record<string, string> = {}): S3Answer {
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/**
 * A whole number out of the query.
 *
 * @throws S3Error InvalidArgument
 */
export function numberParameter(
  query: URLSearchParams,
  name: string,
  range: { min: number; max: number; fallback: number },
): number {
  const text = query.get(name);
  if (text === null || text === '') {
    return range.fallback;
  }
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < range.min || value > 2 ** 31 - 1) {
    throw new S3Error('InvalidArgument', `Argument ${name} must be an integer from ${range.min} to 2147483647`);
  }
  return Math.min(value, range.max);
}
