import type { S3Object } from '../records/batch.ts';
import { type PartList, partListSchema } from '../records/file.ts';
import type { Objects } from '../store/objects.ts';

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
 * @throws InvalidInputError `input_modified`
 */
export async function* readPartsFrom(
  objects: Objects,
  parts: readonly S3Object[],
  start: number,
): AsyncGenerator<Uint8Array> {
  let offset = start;
  for (const part of parts) {
    if (offset < part.bytes) yield* objects.stream(part, offset);
    offset = Math.max(0, offset - part.bytes);
  }
}
