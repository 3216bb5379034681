import { createHash } from 'node:crypto';
import { foreignForm } from '../lines/file-form.ts';
import { signedForm } from '../lines/file-signature.ts';
import { JsonLineProbe } from '../lines/json-line-probe.ts';
import { scheduleRemoval } from '../pipeline/removal-schedule.ts';
import { creationTimes, type Services, unixSeconds } from '../pipeline/services.ts';
import { removeFile } from '../pipeline/upkeep/removals.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../records/errors.ts';
import { type FileRecord, hasExpired } from '../records/file.ts';
import { fileIdFrom, fileIdPattern } from '../records/ids.ts';
import { batchOfResult, fileObjectKey, joinedResultsFileId, keysWithResult } from '../records/object-keys.ts';
import { hasEnded } from '../records/openai-batch.ts';
import { compressionOf, inputNames, isTableName, kindByName } from '../records/table-kind.ts';
import type { ObjectWriter } from '../store/object-writer.ts';
import { type Page, type PageQuery, takePage } from './page.ts';

/** What a file is once all its bytes are there. */
export interface FileDescription {
  tenant: string;
  filename: string;
  /** Seconds from its creation after which it goes; null: it stays. */
  lifeSeconds: number | null;
}

/** A file that streams in. It is one only once it is committed; until then nothing of it can be seen. */
export class IncomingFile {
  readonly #services: Services;
  readonly #id: string;
  readonly #writer: ObjectWriter;
  readonly #probe = new JsonLineProbe();
  readonly #md5 = createHash('md5');

  constructor(services: Services) {
    this.#services = services;
    this.#id = fileIdFrom(services.token() + services.token());
    this.#writer = services.objects.writer(fileObjectKey(this.#id, services.token()));
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  async write(chunk: Buffer): Promise<void> {
    this.#probe.push(chunk);
    this.#md5.update(chunk);
    await this.#writer.write(chunk);
  }

  /** @throws InvalidInputError for what cannot be a batch's input. */
  async commit(description: FileDescription): Promise<FileRecord> {
    assertInputName(description.filename);
    this.#assertReadable(description.filename);
    const { bucket, key, etag, bytes } = await this.#writer.close();
    const times = creationTimes(this.#services);
    const file: FileRecord = {
      id: this.#id,
      tenant: description.tenant,
      version: 0,
      filename: description.filename,
      purpose: 'batch',
      bytes,
      ...times,
      expiresAt: description.lifeSeconds === null ? null : times.createdAt + description.lifeSeconds,
      objects: [{ bucket, key, etag, bytes }],
      md5: this.#md5.digest('hex'),
    };
    if (file.expiresAt !== null) await scheduleRemoval(this.#services, file.id, file.expiresAt);
    await this.#services.records.createFile(file);
    return file;
  }

  /** @throws InvalidInputError for what is neither a table by its name nor requests by its bytes. */
  #assertReadable(filename: string): void {
    if (isTableName(filename) || this.#probe.found) return;
    const { head } = this.#probe;
    const compression = compressionOf(filename);
    if (compression === null || signedForm(head) !== compression) throw notJsonLines(whatElse(head));
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }
}

/** @throws InvalidInputError, for what is no .jsonl in OpenAI's words. */
export function assertInputName(filename: string): void {
  if (!/^[^\p{Cc}/\\]{1,255}$/u.test(filename))
    throw new InvalidInputError(
      'invalid_filename',
      'A filename has 1 to 255 characters, without folders or control characters.',
      { param: 'filename' },
    );
  if (!mayBeInput(filename))
    throw notJsonLines(`'${filename}' has another extension. Name it ${inputNames}, or without an extension.`);
}

/** A name without an extension says nothing, as that of bytes without a name (`upload`): the bytes then decide. */
export function mayBeInput(filename: string): boolean {
  return kindByName(filename) !== null;
}

/** What a file without a JSON line is, as far as that can be seen. */
function whatElse(head: Buffer): string {
  const form = foreignForm(head);
  return form === null ? 'none of its lines is a JSON object. Write one request per line.' : `the file ${form}.`;
}

function notJsonLines(what: string): InvalidInputError {
  const message = `Invalid file format for Batch API. Must be .jsonl: ${what}`;
  return new InvalidInputError('invalid_file_format', message, { param: 'file' });
}

/** @throws NotFoundError, also for an expired file and for somebody else's. */
export async function getFile(services: Services, tenant: string, fileId: string): Promise<FileRecord> {
  if (fileIdPattern.test(fileId)) {
    const file = await services.records.findFile(fileId);
    if (file && file.tenant === tenant && !hasExpired(file, services.now())) return file;
  }
  throw unknownFile(fileId);
}

function unknownFile(fileId: string): NotFoundError {
  return new NotFoundError(`No such File object: ${fileId.slice(0, 100)}`);
}

export interface FileListRequest extends PageQuery {
  order: 'asc' | 'desc';
  purpose?: string | undefined;
}

export async function listFiles(
  services: Services,
  tenant: string,
  request: FileListRequest,
): Promise<Page<FileRecord>> {
  const after = request.after === undefined ? null : await placeInList(services, tenant, request.after);
  const files = services.records.listFiles(tenant, { order: request.order, after, pageItems: request.limit + 1 });
  const nowMs = services.now();
  const isWanted = (file: FileRecord) =>
    !hasExpired(file, nowMs) && (request.purpose === undefined || file.purpose === request.purpose);
  return takePage(files, request.limit, isWanted);
}

/** How long a deletion goes through a batch's work while a client waits. The sweep does the rest. */
const workMs = 5_000;

/** @throws NotFoundError for a file that never was; one that was deleted while the list was read has a place still. */
async function placeInList(services: Services, tenant: string, fileId: string) {
  const place = fileIdPattern.test(fileId) ? await services.records.findFilePlace(fileId) : null;
  if (place?.tenant === tenant) return place;
  throw unknownFile(fileId);
}

/**
 * Deletes a file: from now on nobody can read it, and what there is of its bytes is removed. An object that came through the
 * inbox, or lies in a bucket that is not ours, stays where its owner put it, and a retry file stays with the error file of its batch.
 *
 * @throws NotFoundError; ConflictError for a result of a batch that is collected again.
 */
export async function deleteFile(services: Services, tenant: string, fileId: string): Promise<void> {
  const file = await getFile(services, tenant, fileId);
  const results = file.objects.filter(({ bucket, key }) => {
    const batchId = bucket === services.objects.bucket ? batchOfResult(key) : null;
    return batchId !== null && file.id !== joinedResultsFileId(batchId);
  });
  const keys = results.flatMap(({ key }) => keysWithResult(key));
  await assertNotCollected(services, keys);
  const nowSeconds = unixSeconds(services);
  await services.records.keepFilePlace(file, nowSeconds);
  const removal = { fileId: file.id, keys, version: 0, dueAt: nowSeconds };
  await services.removals.schedule(removal);
  await services.removals.reschedule(removal, nowSeconds);
  await services.records.updateFile(file.id, (current) => ({ ...current, expiresAt: nowSeconds }));
  // Once more: a collection that has begun since writes the results anew. One that begins from now on sees that they are gone.
  await assertNotCollected(services, keys).catch(async (error: unknown) => {
    await services.records.updateFile(file.id, (current) => ({ ...current, expiresAt: file.expiresAt }));
    throw error;
  });
  const endsAtMs = performance.now() + workMs;
  await removeFile(services, removal, () => performance.now() >= endsAtMs);
}

async function assertNotCollected(services: Services, keys: readonly string[]): Promise<void> {
  for (const batchId of keys.flatMap((key) => batchOfResult(key) ?? [])) {
    const batch = await services.records.findBatch(batchId);
    if (batch && !hasEnded(batch.status))
      throw new ConflictError(`Batch '${batchId}' is collected again. Its results can be deleted once it has ended.`);
  }
}
