import type { ByteRange } from './body-store.ts';
import { S3Error } from './errors.ts';

/**
 * The bytes that a Range header asks for.
 *
 * @returns undefined for the whole: without a header, and, as in S3, for one that cannot be understood or asks for
 *   several ranges.
 * @throws S3Error InvalidRange if it lies outside the object.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = header?.match(/^bytes=(\d*)-(\d*)$/) ?? [];
  if (first === undefined || last === undefined || first + last === '') {
    return undefined;
  }
  if (first !== '' && last !== '' && Number(last) < Number(first)) {
    return undefined;
  }
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start > end) {
    throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  return { start, end };
}

/**
 * The bytes that `x-amz-copy-source-range` names; unlike Range, it must be exact.
 *
 * @throws S3Error InvalidArgument, InvalidRange
 */
export function parseCopyRange(header: string | undefined, size: number): ByteRange {
  if (header === undefined) {
    return { start: 0, end: size - 1 };
  }
  const [, first, last] = header.match(/^bytes=(\d+)-(\d+)$/) ?? [];
  const range = { start: Number(first), end: Number(last) };
  if (first === undefined || last === undefined || range.end < range.start) {
    throw new S3Error('InvalidArgument', 'The x-amz-copy-source-range value must be of the form bytes=first-last');
  }
  if (range.end >= size) {
    throw new S3Error('InvalidRange', `Range specified is not valid for source object of size: ${size}`);
  }
  return range;
}
