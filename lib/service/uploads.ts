import { assertBytesWithinMaximum } from '../pipeline/maxima.ts';
import { scheduleRemoval } from '../pipeline/removal-schedule.ts';
import { creationTimes, type Services, unixSeconds } from '../pipeline/services.ts';
import { digest } from '../records/digest.ts';
import { InvalidInputError, NotFoundError } from '../records/errors.ts';
import { type FileRecord, type PartList, totalBytes } from '../records/file.ts';
import { fileIdFrom, partIdFrom, uploadIdFrom, uploadIdPattern } from '../records/ids.ts';
import { fileObjectKey, filePrefix } from '../records/object-keys.ts';
import {
  assertPending,
  markCancelled as cancelled,
  markCompleted as completed,
  type PartRecord,
  type UploadRecord,
  uploadLifeSeconds,
} from '../records/upload.ts';
import { maxParts } from '../records/upload-limits.ts';
import type { ObjectWriter } from '../store/object-writer.ts';
import { assertInputName } from './files.ts';

/** A part's record outlives its upload, for whoever looks into one that failed. */
const partLifeSeconds = 2 * 24 * 3_600;

/** A part may be sent again whose answer was lost; that is no reason to store any number of bytes. */
const sendingsOfPart = 2;

export interface UploadDescription {
  tenant: string;
  filename: string;
  bytes: number;
  /** Seconds from its creation after which the file goes; null: it stays. */
  fileLifeSeconds: number | null;
}

/** An upload and, once it is completed, the file that it became. */
export interface UploadState {
  upload: UploadRecord;
  file: FileRecord | null;
}

export async function createUpload(services: Services, description: UploadDescription): Promise<UploadState> {
  assertInputName(description.filename);
  assertBytesWithinMaximum(services.config, description.bytes);
  const createdAt = unixSeconds(services);
  const upload: UploadRecord = {
    ...description,
    id: uploadIdFrom(services.token() + services.token()),
    version: 0,
    status: 'pending',
    fileId: fileIdFrom(services.token() + services.token()),
    createdAt,
    expiresAt: createdAt + uploadLifeSeconds,
    completion: null,
  };
  await scheduleRemoval(services, upload.fileId, upload.expiresAt);
  await services.uploads.create(upload);
  return { upload, file: null };
}

/** A part that streams in; parts of one upload may come side by side. */
export class IncomingPart {
  readonly #services: Services;
  readonly #upload: UploadRecord;
  readonly #id: string;
  readonly #writer: ObjectWriter;

  /** @throws InvalidInputError for an upload that takes no parts any more. */
  constructor(services: Services, upload: UploadRecord) {
    assertPending(upload, services.now());
    this.#services = services;
    this.#upload = upload;
    this.#id = partIdFrom(services.token() + services.token());
    this.#writer = services.objects.writer(fileObjectKey(upload.fileId, this.#id));
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  /** @throws InvalidInputError for a part that is larger than its whole upload was announced. */
  async write(chunk: Buffer): Promise<void> {
    const { bytes } = this.#upload;
    if (this.#writer.bytes + chunk.length > bytes) throw tooLarge(`The part has more than the ${bytes} bytes`);
    await this.#writer.write(chunk);
  }

  /** @throws InvalidInputError where the upload ended meanwhile, or more parts came than it was announced for. */
  async commit(): Promise<PartRecord> {
    const { bucket, key, etag, bytes } = await this.#writer.close();
    const upload = await this.#services.uploads.get(this.#upload.id);
    try {
      assertPending(upload, this.#services.now());
      const most = upload.bytes * sendingsOfPart;
      if (!(await this.#services.uploads.countBytes(upload, bytes, most)))
        throw tooLarge(`The parts that came have more than ${sendingsOfPart} times the ${upload.bytes} bytes`);
    } catch (error) {
      await this.#services.objects.delete([key]);
      throw error;
    }
    const createdAt = unixSeconds(this.#services);
    const part: PartRecord = {
      id: this.#id,
      uploadId: upload.id,
      version: 0,
      createdAt,
      expiresAt: createdAt + partLifeSeconds,
      object: { bucket, key, etag, bytes },
    };
    await this.#services.uploads.addPart(part);
    return part;
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }
}

/** @throws NotFoundError, also for somebody else's. */
export async function getUpload(services: Services, tenant: string, uploadId: string): Promise<UploadRecord> {
  if (uploadIdPattern.test(uploadId)) {
    const upload = await services.uploads.find(uploadId);
    if (upload?.tenant === tenant) return upload;
  }
  throw new NotFoundError(`No such Upload object: ${uploadId.slice(0, 100)}`);
}

export interface Completion {
  /** In the order of the file. */
  partIds: readonly string[];
  /** MD5 of the whole file, in hex; Prepare verifies it, since only Prepare reads the whole. */
  md5: string | null;
}

/**
 * Makes one file of the parts, by committing their list: no byte is moved. The same completion again gives the same file.
 *
 * @throws InvalidInputError for parts that are not this upload's, or whose bytes are not the announced number.
 */
export async function completeUpload(
  services: Services,
  upload: UploadRecord,
  completion: Completion,
): Promise<UploadState> {
  const sameAs = digest(JSON.stringify(completion.partIds), completion.md5 ?? '');
  if (upload.status === 'completed') return withFile(services, completed(upload, { ...noCompletion, digest: sameAs }));
  assertPending(upload, services.now());
  const parts = await partsOf(services, upload, completion.partIds);
  const bytes = totalBytes(parts.map(({ object }) => object));
  if (bytes !== upload.bytes) throw wrongSize(upload, bytes);
  const list: PartList = { md5: completion.md5, parts: parts.map(({ object }) => object) };
  const stored = await services.objects.putText(fileObjectKey(upload.fileId, services.token()), JSON.stringify(list));
  const committed = {
    list: { ...stored, bytes, isPartList: true },
    digest: sameAs,
    ...completionTimes(services),
    ...(completion.md5 && { md5: completion.md5.toLowerCase() }),
  };
  return withFile(services, await services.uploads.update(upload.id, (current) => completed(current, committed)));
}

function completionTimes(services: Services) {
  const { createdAt: at, createdAtMs: atMs } = creationTimes(services);
  return { at, atMs };
}

const noCompletion = { list: { bucket: '', key: '', etag: '', bytes: 0 }, at: 0 };

/** The file's record follows from the upload's, so a completion that was cut short is finished by repeating it. */
async function withFile(services: Services, upload: UploadRecord): Promise<UploadState> {
  const { completion } = upload;
  if (!completion) return { upload, file: null };
  const file: FileRecord = {
    id: upload.fileId,
    tenant: upload.tenant,
    version: 0,
    filename: upload.filename,
    purpose: 'batch',
    bytes: upload.bytes,
    createdAt: completion.at,
    createdAtMs: completion.atMs,
    expiresAt: upload.fileLifeSeconds === null ? null : completion.at + upload.fileLifeSeconds,
    objects: [completion.list],
    md5: completion.md5,
  };
  await services.records.createFile(file);
  return { upload, file };
}

async function partsOf(services: Services, upload: UploadRecord, partIds: readonly string[]): Promise<PartRecord[]> {
  if (new Set(partIds).size !== partIds.length) throw wrongParts('names a part twice');
  if (partIds.length > maxParts) throw wrongParts(`names more than ${maxParts} parts; use larger ones`);
  const known = new Map((await services.uploads.listParts(upload.id)).map((part) => [part.id, part]));
  return partIds.map((partId) => {
    const part = known.get(partId);
    if (!part) throw wrongParts(`names '${partId.slice(0, 100)}', which is no part of this upload`);
    return part;
  });
}

function tooLarge(what: string): InvalidInputError {
  const message = `${what} that the upload was created for.`;
  return new InvalidInputError('upload_too_large', message, { param: 'data' });
}

function wrongParts(what: string): InvalidInputError {
  return new InvalidInputError('invalid_parts', `part_ids ${what}.`, { param: 'part_ids' });
}

function wrongSize(upload: UploadRecord, bytes: number): InvalidInputError {
  const message = `The parts have ${bytes} bytes together, but the upload was created for ${upload.bytes}.`;
  return new InvalidInputError('invalid_upload_size', message, { param: 'part_ids' });
}

/** No part is taken any more, and those that came are removed. */
export async function cancelUpload(services: Services, upload: UploadRecord): Promise<UploadState> {
  const after = await services.uploads.update(upload.id, cancelled);
  await services.objects.deletePrefix(filePrefix(after.fileId));
  return { upload: after, file: null };
}
