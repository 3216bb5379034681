import { createHash } from 'node:crypto';
import type { S3Object } from '../../records/batch.ts';
import { InvalidInputError } from '../../records/errors.ts';
import { type PartList, partListSchema } from '../../records/file.ts';
import type { Objects } from '../../store/objects.ts';

/** The objects behind a file and what its bytes must add up to. */
export async function resolveParts(objects: Objects, list: readonly S3Object[]): Promise<PartList> {
  const [first] = list;
  if (list.length !== 1 || !first?.isPartList) return { md5: null, parts: [...list] };
  const chunks: Uint8Array[] = [];
  for await (const chunk of objects.stream(first)) chunks.push(chunk);
  return partListSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
}

/**
 * Reads objects as if they were one, an upload's list of parts too; a line may begin in one part and end in the next.
 *
 * @param start the byte to begin with. Only who reads from 0 learns of a wrong md5.
 * @throws InvalidInputError `md5_mismatch` at the end, where the client named an md5; `input_modified`.
 */
export async function* readJoined(objects: Objects, list: readonly S3Object[], start = 0): AsyncGenerator<Uint8Array> {
  const { md5, parts } = await resolveParts(objects, list);
  const hash = md5 === null || start > 0 ? null : createHash('md5');
  for await (const chunk of readPartsFrom(objects, parts, start)) {
    hash?.update(chunk);
    yield chunk;
  }
  const found = hash?.digest('hex');
  if (found === undefined || found === md5) return;
  const message = `The file's MD5 is ${found}, but its upload was completed with ${md5}. Upload it again.`;
  throw new InvalidInputError('md5_mismatch', message, { param: 'md5' });
}

/**
 * Reads everything only for its md5, where the client named one.
 *
 * @throws InvalidInputError as `readJoined`.
 */
export async function verifyMd5(objects: Objects, list: readonly S3Object[]): Promise<void> {
  const { md5 } = await resolveParts(objects, list);
  if (md5 === null) return;
  const chunks = readJoined(objects, list);
  while (!(await chunks.next()).done);
}

/** Reads parts as one, from a byte on. */
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
