import type { S3Object } from '../core/batch.ts';
import type { FileRecord, PartMerge } from '../core/file.ts';
import { fileKey } from '../core/keys.ts';
import type { PiecewiseObject } from '../store/piecewise-object.ts';
import { readPartsFrom, resolveParts } from './joined-objects.ts';
import type { Services } from './services.ts';

/** A piece of a merged object: above S3's minimum of 5 MiB, and 8 GB are a tenth of its 10,000 parts. */
const pieceBytes = 8 * 1024 * 1024;
/** What one piece may take at most, read and written. */
const pieceMs = 10_000;
/** How long a download link holds. */
const linkSeconds = 300;

export type FileContent = { url: string } | { isMerging: true };

/**
 * Where a file's bytes can be downloaded. A large upload's parts are merged when its content is first asked for: each
 * call goes on for its time where the last one stopped, until there is one object.
 *
 * @param budgetMs how long this call may merge.
 */
export async function fileContent(services: Services, file: FileRecord, budgetMs: number): Promise<FileContent> {
  const whole = wholeObject(file) ?? (await mergeFor(services, file, budgetMs));
  return whole ? { url: await services.objects.presignedUrl(whole, linkSeconds) } : { isMerging: true };
}

function wholeObject(file: FileRecord): S3Object | null {
  const [first] = file.objects;
  if (file.merged) return file.merged;
  return first && file.objects.length === 1 && !first.isPartList ? first : null;
}

/** @returns the merged object, or null where it is not finished, here or elsewhere. */
async function mergeFor(services: Services, file: FileRecord, budgetMs: number): Promise<S3Object | null> {
  const endsAtMs = services.now() + budgetMs;
  const claimed = await claimMerge(services, file, endsAtMs + pieceMs);
  if (!claimed) return null;
  const target = services.objects.piecewise(claimed.merge.key);
  try {
    const merged = await mergePieces(services, { file, target, ...claimed, endsAtMs });
    await services.records.updateFile(file.id, (current) =>
      current.merge?.writer === claimed.merge.writer ? afterMerge(current, merged) : current,
    );
    return 'etags' in merged ? null : merged;
  } catch (error) {
    await services.records.updateFile(file.id, ({ merge: _given_up, ...rest }) => rest);
    throw error;
  }
}

function afterMerge(file: FileRecord, merged: S3Object | PartMerge): FileRecord {
  if ('etags' in merged) return { ...file, merge: { ...merged, leaseUntilMs: 0 } };
  const { merge: _done, ...rest } = file;
  return { ...rest, merged };
}

interface ClaimedMerge {
  merge: PartMerge;
}

/** @returns null while another call is at it. */
async function claimMerge(services: Services, file: FileRecord, leaseUntilMs: number): Promise<ClaimedMerge | null> {
  const writer = services.token();
  const fresh = file.merge ? null : await beginMerge(services, file, writer);
  const after = await services.records.updateFile(file.id, (current) => {
    const merge = current.merge ?? fresh;
    if (!merge || merge.leaseUntilMs > services.now()) return current;
    return { ...current, merge: { ...merge, writer, leaseUntilMs } };
  });
  return after.merge?.writer === writer ? { merge: after.merge } : null;
}

async function beginMerge(services: Services, file: FileRecord, writer: string): Promise<PartMerge> {
  const key = fileKey(file.id, services.token());
  return { writer, leaseUntilMs: 0, key, s3UploadId: await services.objects.piecewise(key).begin(), etags: [] };
}

interface Merge extends ClaimedMerge {
  file: FileRecord;
  target: PiecewiseObject;
  endsAtMs: number;
}

/** @returns the whole, or how far it got. */
async function mergePieces(
  services: Services,
  { file, target, merge, endsAtMs }: Merge,
): Promise<S3Object | PartMerge> {
  const { parts } = await resolveParts(services.objects, file.objects);
  const etags = [...merge.etags];
  for await (const piece of pieces(readPartsFrom(services.objects, parts, etags.length * pieceBytes))) {
    if (services.now() >= endsAtMs) return { ...merge, etags };
    etags.push(await target.putPiece(merge.s3UploadId, etags.length, piece));
  }
  return target.complete(merge.s3UploadId, etags, file.bytes);
}

async function* pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (pendingBytes + rest.length >= pieceBytes) {
      const missing = pieceBytes - pendingBytes;
      yield Buffer.concat([...pending, rest.subarray(0, missing)], pieceBytes);
      rest = rest.subarray(missing);
      pending = [];
      pendingBytes = 0;
    }
    pending.push(rest);
    pendingBytes += rest.length;
  }
  if (pendingBytes > 0) yield Buffer.concat(pending, pendingBytes);
}
