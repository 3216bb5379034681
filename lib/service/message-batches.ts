import { isDeepStrictEqual } from 'node:util';
import { scheduleRemoval } from '../pipeline/removal-schedule.ts';
import { creationTimes, type Services, unixSeconds } from '../pipeline/services.ts';
import type { BatchRecord, S3Object } from '../records/batch.ts';
import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { type FileRecord, type PartMerge, totalBytes } from '../records/file.ts';
import type { JsonObject } from '../records/json.ts';
import { joinedResultsFileId } from '../records/object-keys.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { type BatchCreation, type CreatedBatch, createBatch, getBatch } from './create-batch.ts';
import {
  type ContentLimits,
  type FileContent,
  type Merger,
  type MergeWork,
  mergedContent,
  pieceBytes,
} from './file-content.ts';
import { deleteFile } from './files.ts';
import type { ReceivedRequests } from './incoming-requests.ts';
import { assertReadableAsMessages, MessageResults, type ResultFiles, resultFiles } from './message-results.ts';
import { type Page, takePage } from './page.ts';

/**
 * Creates a batch of requests that came with its creation. A creation that is repeated gives the batch of the first call, and the
 * file that came with the repetition goes.
 *
 * @param askedBy makes what is asked for of the body's members beside its requests; may throw an InvalidInputError.
 * @throws InvalidInputError as `createBatch`; then nothing of the requests stays.
 */
export async function createMessageBatch(
  services: Services,
  { file, count, others }: ReceivedRequests,
  askedBy: (others: JsonObject) => MessageBatchCreation,
): Promise<CreatedBatch> {
  const own = { inputFile: file.id, ownRequests: { count, md5: file.md5 ?? file.id }, template: null };
  const discard = () => deleteFile(services, file.tenant, file.id);
  try {
    const created = await createBatch(services, { ...askedBy(others), ...own });
    if (created.batch.inputFileId !== file.id) await discard();
    return created;
  } catch (error) {
    // After any other failure the batch may stand all the same, and then it needs its requests.
    if (error instanceof InvalidInputError) await discard();
    throw error;
  }
}

export type MessageBatchCreation = Omit<BatchCreation, 'inputFile' | 'ownRequests' | 'template'>;

/** @throws NotFoundError, also for a deleted one. */
export async function getMessageBatch(services: Services, tenant: string, batchId: string): Promise<BatchRecord> {
  const batch = await getBatch(services, tenant, batchId);
  if (batch.deletedAt !== undefined) throw new NotFoundError(`No batch found with id '${batchId}'.`);
  return batch;
}

export interface MessageBatchQuery {
  limit: number;
  /** Batches older than this one. */
  afterId?: string | undefined;
  /** Batches newer than this one, the nearest of them. */
  beforeId?: string | undefined;
}

/** A tenant's batches, newest first. */
export async function listMessageBatches(
  services: Services,
  tenant: string,
  { limit, afterId, beforeId }: MessageBatchQuery,
): Promise<Page<BatchRecord>> {
  const id = beforeId ?? afterId;
  const after = id === undefined ? null : await getBatch(services, tenant, id);
  const order = beforeId === undefined ? 'desc' : 'asc';
  const batches = services.records.listBatches(tenant, { order, after, pageItems: limit + 1 });
  const page = await takePage(batches, limit, ({ deletedAt }) => deletedAt === undefined);
  return order === 'desc' ? page : { ...page, items: page.items.toReversed() };
}

/**
 * Deletes a batch that has ended as message batches are deleted: its results go, its requests too where they came with its creation,
 * and it is no message batch any more. Its record stays, with what it has cost.
 *
 * @throws InvalidInputError for a batch that has not ended.
 */
export async function deleteMessageBatch(services: Services, batch: BatchRecord): Promise<void> {
  if (!hasEnded(batch.status)) {
    const message = 'A Message Batch can be deleted once it has ended. Cancel it first.';
    throw new InvalidInputError('invalid_request', message);
  }
  const { ownsInput, inputFileId, outputFileId, errorFileId } = batch;
  for (const fileId of [outputFileId, errorFileId, ownsInput ? inputFileId : null])
    if (fileId !== null) await deleteIfThere(services, batch.tenant, fileId);
  await services.records.updateBatch(batch.id, (current) => ({ ...current, deletedAt: unixSeconds(services) }));
}

async function deleteIfThere(services: Services, tenant: string, fileId: string): Promise<void> {
  try {
    await deleteFile(services, tenant, fileId);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

/** The results of a batch: their lines, or what a large file gives. */
export type ReadResults = { lines: AsyncGenerator<Buffer> } | FileContent;

/**
 * The results of a batch that has ended, in Anthropic's form and in the order of the input. Larger ones than one answer may carry
 * are merged into an object when they are first asked for.
 *
 * @throws NotFoundError where they are gone; InvalidInputError where the answers are no messages.
 */
export async function readMessageResults(
  services: Services,
  batch: BatchRecord,
  limits: ContentLimits,
): Promise<ReadResults> {
  assertReadableAsMessages(batch);
  const files = await resultFiles(services, batch);
  if (sizeOf(batch, files) <= limits.maxBytes) return { lines: new MessageResults(services, batch, files).lines() };
  const merger: Merger = {
    whole: (file) => file.merged ?? onlyInForm(batch, files),
    goOn: (work) => mergeResults(services, batch, files, work),
  };
  return mergedContent(services, await mergedResults(services, batch, files), merger, limits);
}

/** A line that says why its request was not sent, at most; the custom_id is short. */
const lineWithoutFileBytes = 300;

function sizeOf({ counts, report }: BatchRecord, { output, errors }: ResultFiles): number {
  if (output || errors) return (output?.bytes ?? 0) + (errors?.bytes ?? 0);
  return Math.max(counts.total, report?.lines ?? 0) * lineWithoutFileBytes;
}

/** A result file that is all there is, and whose lines were asked for in Anthropic's form and so have it. */
function onlyInForm({ ownsInput }: BatchRecord, { output, errors }: ResultFiles): S3Object | null {
  const [object, ...others] = [...(output?.objects ?? []), ...(errors?.objects ?? [])];
  return ownsInput && object && others.length === 0 && !object.isPartList ? object : null;
}

/** Goes on with an object of all results; memory holds a piece of it. */
async function mergeResults(
  services: Services,
  batch: BatchRecord,
  files: ResultFiles,
  { target, merge, endsAtMs }: MergeWork,
): Promise<S3Object | PartMerge> {
  const results = new MessageResults(services, batch, files, merge.lines?.places);
  const etags = [...merge.etags];
  let bytes = merge.lines?.bytes ?? 0;
  let piece: Buffer[] = [];
  let gathered = 0;
  const send = async () => {
    etags.push(await target.putPart(merge.s3UploadId, etags.length + 1, Buffer.concat(piece)));
    bytes += gathered;
    piece = [];
    gathered = 0;
  };
  for await (const line of results.lines()) {
    piece.push(line);
    gathered += line.length;
    if (gathered < pieceBytes) continue;
    await send();
    if (performance.now() >= endsAtMs) return { ...merge, etags, lines: { bytes, places: results.places } };
  }
  if (gathered > 0 || etags.length === 0) await send();
  const etag = await target.complete(merge.s3UploadId, etags);
  return { bucket: services.objects.bucket, key: merge.key, etag, bytes };
}

/** The record of a batch's merged results, which are merged anew once the results are others. */
async function mergedResults(services: Services, batch: BatchRecord, files: ResultFiles): Promise<FileRecord> {
  const id = joinedResultsFileId(batch.id);
  const objects = [...(files.output?.objects ?? []), ...(files.errors?.objects ?? [])];
  const standing = await services.records.findFile(id);
  if (standing && isDeepStrictEqual(standing.objects, objects)) return standing;
  if (standing)
    return services.records.updateFile(id, ({ merged: _old, merge: _ofOld, ...current }) => ({
      ...current,
      bytes: totalBytes(objects),
      objects,
    }));
  const ends = [files.output, files.errors].flatMap((file) => file?.expiresAt ?? []);
  const file: FileRecord = {
    id,
    tenant: batch.tenant,
    version: 0,
    filename: `${batch.id}_results.jsonl`,
    purpose: 'batch_output',
    bytes: totalBytes(objects),
    ...creationTimes(services),
    expiresAt: ends.length > 0 ? Math.min(...ends) : null,
    objects,
  };
  if (file.expiresAt !== null) await scheduleRemoval(services, id, file.expiresAt);
  await services.records.createFile(file);
  return services.records.getFile(id);
}
