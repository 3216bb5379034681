import { setTimeout as sleep } from 'node:timers/promises';
import { readPartsFrom, resolveParts } from '../pipeline/joined-objects.ts';
import { inParallel } from '../pipeline/parallel.ts';
import { type Services, unixSeconds } from '../pipeline/services.ts';
import type { S3Object } from '../records/batch.ts';
import { InvalidInputError, TransientError } from '../records/errors.ts';
import type { FileRecord, PartMerge } from '../records/file.ts';
import type { FileLink } from '../records/file-link.ts';
import { fileObjectKey } from '../records/object-keys.ts';
import type { MultipartUpload } from '../store/multipart-upload.ts';
import { linkSeconds } from '../store/objects.ts';
import { type Download, downloadOf, opened } from './download.ts';

/** A piece of a merged object: above S3's minimum of 5 MiB, and 8 GB are a tenth of its 10,000 parts. */
export const pieceBytes = 8 * 1024 * 1024;
/** Pieces under way at a time: 64 MiB of memory, read and written. */
const piecesAtATime = 4;
/** What so many pieces may take at most. */
const piecesMs = 10_000;
/** How often a call looks whether another one has finished. */
const lookMs = 250;

/** A file's bytes or a link to them; or how many of them are merged by now. */
export type FileContent = Download | MergedPart;

interface MergedPart {
  mergedBytes: number;
}

export interface ContentLimits {
  /** What one answer may carry; of a larger file there is a link. */
  maxBytes: number;
  /** How long this call may merge or wait; it merges some of the file in any case. */
  mergeBudgetMs: number;
}

/** How the one object is made that a large file is downloaded as. */
export interface Merger {
  /** That object, where there is one. */
  whole(file: FileRecord): S3Object | null;
  /** Goes on where the merge stopped. @returns the object, or how far it got. */
  goOn(work: MergeWork): Promise<S3Object | PartMerge>;
}

/** A merge that this call may go on with. */
export interface MergeWork {
  file: FileRecord;
  target: MultipartUpload;
  merge: PartMerge;
  /** By `performance.now()`. */
  endsAtMs: number;
}

/**
 * A file's bytes, or where they can be downloaded. The parts of a large upload are merged when a link to them is first
 * asked for.
 */
export async function fileContent(services: Services, file: FileRecord, limits: ContentLimits): Promise<FileContent> {
  if (file.bytes <= limits.maxBytes) return streamedFile(services, file);
  return mergedContent(services, file, partsMerger(services), limits);
}

/** A link to a file's bytes, whatever their number; or how many of them are merged by now, as above. */
export async function fileLink(
  services: Services,
  file: FileRecord,
  mergeBudgetMs: number,
): Promise<FileLink | MergedPart> {
  const whole = await mergedObject(services, file, partsMerger(services), mergeBudgetMs);
  if ('mergedBytes' in whole) return whole;
  const { filename, bytes } = file;
  const expires_at = unixSeconds(services) + linkSeconds;
  return {
    object: 'file.link',
    url: await services.objects.presignedUrl(whole, filename),
    expires_at,
    bytes,
    filename,
  };
}

function partsMerger(services: Services): Merger {
  return { whole: wholeObject, goOn: (work) => joinParts(services, work) };
}

/** Where one object of a file can be downloaded, which is made when it is first asked for. */
export async function mergedContent(
  services: Services,
  file: FileRecord,
  merger: Merger,
  { maxBytes, mergeBudgetMs }: ContentLimits,
): Promise<FileContent> {
  const whole = await mergedObject(services, file, merger, mergeBudgetMs);
  return 'mergedBytes' in whole ? whole : downloadOf(services, whole, file.filename, maxBytes);
}

/** Each call goes on with the merge for its time where the last one stopped, or waits for the one that is at it. */
async function mergedObject(
  services: Services,
  { id }: FileRecord,
  merger: Merger,
  budgetMs: number,
): Promise<S3Object | MergedPart> {
  const endsAtMs = performance.now() + budgetMs;
  for (;;) {
    const current = await services.records.getFile(id);
    const whole = merger.whole(current) ?? (await mergeFor(services, current, merger, endsAtMs));
    if (whole) return whole;
    if (performance.now() >= endsAtMs) return { mergedBytes: await mergedBytes(services, id) };
    await sleep(lookMs);
  }
}

/**
 * Reads the parts as they are; nothing needs to be merged.
 *
 * @throws TransientError for results that are being replaced, because lost ones were found; InvalidInputError `input_modified`.
 */
async function streamedFile(services: Services, file: FileRecord): Promise<Download> {
  try {
    const { parts } = await resolveParts(services.objects, file.objects);
    const chunks = await opened(readPartsFrom(services.objects, parts, 0));
    return { filename: file.filename, bytes: file.bytes, chunks };
  } catch (cause) {
    if (file.purpose === 'batch_output' && cause instanceof InvalidInputError)
      throw new TransientError(`The file ${file.id} is being replaced.`, { cause });
    throw cause;
  }
}

async function mergedBytes(services: Services, fileId: string): Promise<number> {
  const { merge } = await services.records.getFile(fileId);
  return (merge?.etags.length ?? 0) * pieceBytes;
}

function wholeObject(file: FileRecord): S3Object | null {
  const [first] = file.objects;
  if (file.merged) return file.merged;
  return first && file.objects.length === 1 && !first.isPartList ? first : null;
}

/** @returns the merged object, or null where it is not finished, here or elsewhere. */
async function mergeFor(
  services: Services,
  file: FileRecord,
  merger: Merger,
  endsAtMs: number,
): Promise<S3Object | null> {
  const remainingMs = Math.max(0, Math.ceil(endsAtMs - performance.now()));
  const claimed = await claimMerge(services, file, services.now() + remainingMs + piecesMs);
  if (!claimed) return null;
  const target = services.objects.multipartUpload(claimed.merge.key);
  try {
    const merged = await merger.goOn({ file, target, ...claimed, endsAtMs });
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
  const key = fileObjectKey(file.id, services.token());
  return { writer, leaseUntilMs: 0, key, s3UploadId: await services.objects.multipartUpload(key).begin(), etags: [] };
}

async function joinParts(
  services: Services,
  { file, target, merge, endsAtMs }: MergeWork,
): Promise<S3Object | PartMerge> {
  const { parts } = await resolveParts(services.objects, file.objects);
  const etags = [...merge.etags];
  const pieces = Math.ceil(file.bytes / pieceBytes);
  while (etags.length < pieces) {
    const next = Array.from(
      { length: Math.min(piecesAtATime, pieces - etags.length) },
      (_, ahead) => etags.length + ahead,
    );
    const sent = await inParallel(piecesAtATime, next, async (place) =>
      target.putPart(merge.s3UploadId, place + 1, await readPiece(services, parts, place, file.bytes)),
    );
    etags.push(...sent);
    if (etags.length < pieces && performance.now() >= endsAtMs) return { ...merge, etags };
  }
  const etag = await target.complete(merge.s3UploadId, etags);
  return { bucket: services.objects.bucket, key: merge.key, etag, bytes: file.bytes };
}

async function readPiece(
  services: Services,
  parts: readonly S3Object[],
  place: number,
  fileBytes: number,
): Promise<Buffer> {
  const start = place * pieceBytes;
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, fileBytes - start));
  let filled = 0;
  for await (const chunk of readPartsFrom(services.objects, parts, start)) {
    piece.set(chunk.subarray(0, piece.length - filled), filled);
    filled = Math.min(piece.length, filled + chunk.length);
    if (filled === piece.length) return piece;
  }
  throw new Error(`The parts of ${parts[0]?.key} end before byte ${start + piece.length}.`);
}
