import type { S3Object } from '../records/batch.ts';
import { type PartList, partListSchema } from '../records/file.ts';
import type { Objects } from '../store/objects.ts';
import { firstBytes, type TableBytes } from '../tables/table-bytes.ts';

/** The objects behind a file and what its bytes must add up to. */
export async function resolveParts(objects: Objects, list: readonly S3Object[]): Promise<PartList> {
  const [first] = list;
  if (list.length !== 1 || !first?.isPartList) return { md5: null, parts: [...list] };
  const chunks: Uint8Array[] = [];
  for await (const chunk of objects.stream(first)) chunks.push(chunk);
  return partListSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
}

/**
 * Reads parts as if they were one object, from a byte on; a line may begin in one part and end in the next.
 *
 * @param end behind the last byte.
 * @throws InvalidInputError `input_modified`
 */
export async function* readPartsFrom(
  objects: Objects,
  parts: readonly S3Object[],
  start: number,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  let begin = 0;
  for (const part of parts) {
    const [from, to] = [Math.max(0, start - begin), end - begin];
    if (from < part.bytes && from < to) yield* objects.stream(part, from, to < part.bytes ? to : undefined);
    begin += part.bytes;
  }
}

/**
 * The bytes of a table that lies in parts.
 *
 * @param follow sees what is read from a place to the end.
 */
export function tableBytesOf(
  objects: Objects,
  parts: readonly S3Object[],
  follow: (chunks: AsyncIterable<Uint8Array>, start: number) => AsyncIterable<Uint8Array> = (chunks) => chunks,
): TableBytes {
  return {
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    from: (start) => follow(readPartsFrom(objects, parts, start), start),
    between: (start, end) => firstBytes(readPartsFrom(objects, parts, start, end), end - start),
  };
}
