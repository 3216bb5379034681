import type { Services } from '../pipeline/services.ts';

/** Bytes of which the first are read; whoever reads no further must return it. */
export interface OpenBytes {
  [Symbol.asyncIterator](): OpenBytes;
  next(): Promise<IteratorResult<Uint8Array, unknown>>;
  return(): Promise<IteratorResult<Uint8Array, unknown>>;
}

/** Bytes that go out with the answer, and the name under which they are to be kept. */
export interface StreamedBytes {
  filename: string;
  bytes: number;
  chunks: OpenBytes;
}

/** What a client that wants bytes is given: the bytes, or a link to them. */
export type Download = StreamedBytes | { url: string };

/** An object of the bucket; with an etag, only that version of it is read. */
export interface DownloadedObject {
  bucket: string;
  key: string;
  etag?: string;
  bytes: number;
}

/**
 * The bytes of an object where one answer may carry them, and else a link.
 *
 * @param maxBytes that an answer may carry.
 */
export async function downloadOf(
  services: Services,
  object: DownloadedObject,
  filename: string,
  maxBytes: number,
): Promise<Download> {
  if (object.bytes > maxBytes) return { url: await services.objects.presignedUrl(object, filename) };
  return { filename, bytes: object.bytes, chunks: await opened(services.objects.stream(object)) };
}

/** Reads the first piece at once, so that what cannot be read is an error, and no answer that breaks off. */
export async function opened(chunks: AsyncGenerator<Uint8Array>): Promise<OpenBytes> {
  let first: IteratorResult<Uint8Array, unknown> | null = await chunks.next();
  const bytes: OpenBytes = {
    [Symbol.asyncIterator]: () => bytes,
    async next() {
      const next = first ?? (await chunks.next());
      first = null;
      return next;
    },
    return: () => chunks.return(undefined),
  };
  return bytes;
}
