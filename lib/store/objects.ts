import { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { attachment, downloadType } from '../records/attachment.ts';
import type { S3Object } from '../records/batch.ts';
import { InvalidInputError, messageOf, NotFoundError, TransientError } from '../records/errors.ts';
import { MultipartUpload, type ObjectAttributes } from './multipart-upload.ts';
import { ObjectUpload } from './object-upload.ts';
import { ObjectWriter, type WriterOptions } from './object-writer.ts';
import { type Observe, unobserved } from './observe.ts';

/** How often a download that broke off is resumed. */
const maxResumes = 5;

/** S3's limit of keys for one call of DeleteObjects. */
const maxKeysPerDelete = 1_000;

/** How long a download link is valid: clients follow it at once. */
export const linkSeconds = 300;

const jsonLines = 'application/x-ndjson';

export interface ObjectHead extends S3Object {
  metadata: Record<string, string>;
  /** Unix seconds, as S3 keeps it. Of an upload in parts it is when the upload began. */
  lastModified: number;
}

/** An object in a list. */
export interface ListedObject {
  key: string;
  etag: string;
  bytes: number;
  /** Unix seconds. */
  lastModified: number;
}

/** Objects in the order of their keys, as far as one answer of S3 goes. */
export interface ObjectPage {
  objects: ListedObject[];
  /** The key to go on after; null at the end. */
  next: string | null;
}

/** The objects of the bucket. Large ones are streamed, and a read may be pinned to an ETag. */
export class Objects {
  readonly #client: S3Client;
  readonly bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  /** @param isLocal addresses buckets by path, which local servers require. */
  static connect(bucket: string, isLocal: boolean, observe: Observe = unobserved): Objects {
    return new Objects(observe(new S3Client({ forcePathStyle: isLocal })), bucket);
  }

  writer(key: string, options: WriterOptions & Partial<ObjectAttributes> = {}): ObjectWriter {
    const { contentType = jsonLines, metadata = {} } = options;
    const name = { bucket: this.bucket, key };
    return new ObjectWriter(new ObjectUpload(this.#client, name, { contentType, metadata }), name, options);
  }

  /** Writes an object as its pieces arrive. If they break off, no object is written. */
  async write(key: string, pieces: AsyncIterable<Buffer>): Promise<void> {
    const writer = this.writer(key);
    try {
      for await (const piece of pieces) await writer.write(piece);
      await writer.close();
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** An object that several runs write together, part by part. */
  multipartUpload(key: string): MultipartUpload {
    return new MultipartUpload(this.#client, { bucket: this.bucket, key }, { contentType: jsonLines, metadata: {} });
  }

  /** A URL by which anyone can download the object for five minutes, under a name. Never to be logged. */
  async presignedUrl(object: { bucket: string; key: string }, filename: string): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: object.bucket,
      Key: object.key,
      ResponseContentDisposition: attachment(filename),
      ResponseContentType: downloadType,
    });
    return getSignedUrl(this.#client, command, { expiresIn: linkSeconds });
  }

  /** Removes all objects below a prefix of our own bucket. */
  async deletePrefix(prefix: string): Promise<void> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.bucket, Prefix: prefix });
    for await (const page of pages) await this.delete((page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
  }

  /**
   * Lists up to 1,000 objects of our own bucket below a prefix.
   *
   * @param after the key after which the list begins; empty for its beginning.
   */
  async listPage(prefix: string, after: string): Promise<ObjectPage> {
    const page = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: prefix,
        ...(after !== '' && { StartAfter: after }),
        // A key may hold characters that XML cannot.
        EncodingType: 'url',
      }),
    );
    const objects = (page.Contents ?? []).map(
      ({ Key: key = '', ETag: etag = '', Size: bytes = 0, LastModified: lastModified }) => ({
        key: decodeKey(key),
        etag,
        bytes,
        lastModified: inSeconds(lastModified),
      }),
    );
    return { objects, next: page.IsTruncated ? (objects.at(-1)?.key ?? null) : null };
  }

  /**
   * Lists up to 1,000 folders of our own bucket below a prefix.
   *
   * @param after the folder after which the list begins; empty for its beginning.
   */
  async listFolders(prefix: string, after: string): Promise<{ folders: string[]; next: string | null }> {
    const page = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.bucket,
        Prefix: prefix,
        Delimiter: '/',
        // All that is in the folder stands before this.
        ...(after !== '' && { StartAfter: after.replace(/\/$/, '0') }),
        EncodingType: 'url',
      }),
    );
    const folders = (page.CommonPrefixes ?? []).map(({ Prefix: folder = '' }) => decodeKey(folder));
    return { folders, next: page.IsTruncated ? (folders.at(-1) ?? null) : null };
  }

  /** Removes objects of our own bucket. A key without an object is no error. */
  async delete(keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += maxKeysPerDelete) {
      const some = keys.slice(start, start + maxKeysPerDelete).map((key) => ({ Key: key }));
      const answer = await this.#client.send(
        new DeleteObjectsCommand({ Bucket: this.bucket, Delete: { Objects: some, Quiet: true } }),
      );
      const [error] = answer.Errors ?? [];
      if (error) throw new TransientError(`S3 did not delete ${error.Key}: ${error.Code} ${error.Message ?? ''}`);
    }
  }

  /** @returns null if there is no such object. */
  async head(key: string, bucket = this.bucket): Promise<ObjectHead | null> {
    try {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return {
        bucket,
        key,
        etag: head.ETag ?? '',
        bytes: head.ContentLength ?? 0,
        metadata: head.Metadata ?? {},
        lastModified: inSeconds(head.LastModified),
      };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** @returns the whole object, or null if there is none. For small objects only. */
  async readText(key: string, bucket = this.bucket): Promise<{ text: string; etag: string } | null> {
    try {
      const found = await this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { text: (await found.Body?.transformToString()) ?? '', etag: found.ETag ?? '' };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Reads a whole work object into memory. For indexes only. */
  async readBytes(key: string): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream({ bucket: this.bucket, key })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /**
   * Streams an object. A download that breaks off is resumed where it broke off.
   *
   * @param object with an etag, only that version is read.
   * @param end behind the last byte; without it the object's end.
   * @throws InvalidInputError `input_modified` if the object of that etag was overwritten or deleted; NotFoundError if
   *   there is no object and no etag was given.
   */
  async *stream(
    object: { bucket: string; key: string; etag?: string },
    start = 0,
    end?: number,
  ): AsyncGenerator<Uint8Array> {
    let offset = start;
    let etag = object.etag;
    for (let resumes = 0; ; resumes += 1) {
      try {
        if (end !== undefined && offset >= end) return;
        const opened = await this.#open(object, { offset, end }, etag);
        etag = opened.etag;
        for await (const chunk of opened.chunks) {
          yield chunk;
          offset += chunk.length;
        }
        return;
      } catch (error) {
        if (!isBroken(error)) throw error;
        if (resumes >= maxResumes)
          throw new TransientError(`Reading ${object.key} broke off ${resumes + 1} times: ${messageOf(error)}`, {
            cause: error,
          });
      }
    }
  }

  /**
   * Reads a part of an object into memory; it is shorter where the object ends before.
   *
   * @throws as `stream`.
   */
  async readRange(
    object: { bucket: string; key: string; etag?: string },
    start: number,
    bytes: number,
  ): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream(object, start, start + bytes)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async #open(
    object: { bucket: string; key: string; etag?: string },
    { offset, end }: { offset: number; end: number | undefined },
    etag: string | undefined,
  ): Promise<{ etag: string | undefined; chunks: AsyncIterable<Uint8Array> }> {
    try {
      const isPart = offset > 0 || end !== undefined;
      const range = isPart ? { Range: `bytes=${offset}-${end === undefined ? '' : end - 1}` } : {};
      const pin = etag ? { IfMatch: etag } : {};
      const found = await this.#client.send(
        new GetObjectCommand({ Bucket: object.bucket, Key: object.key, ...range, ...pin }),
      );
      if (!(found.Body instanceof Readable)) throw new TransientError(`S3 gave no body for ${object.key}.`);
      return { etag: found.ETag, chunks: found.Body };
    } catch (error) {
      if (isRangeBeyondEnd(error)) return { etag, chunks: Readable.from([]) };
      if (object.etag !== undefined && (isMissing(error) || isPreconditionFailed(error)))
        throw modifiedError(object.key, error);
      if (isMissing(error)) throw new NotFoundError(`There is no object ${object.key}.`, { cause: error });
      throw error;
    }
  }

  async putText(key: string, text: string, contentType = 'application/json'): Promise<S3Object> {
    const put = await this.#client.send(
      new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: text, ContentType: contentType }),
    );
    return { bucket: this.bucket, key, etag: put.ETag ?? '', bytes: Buffer.byteLength(text) };
  }

  /**
   * Writes an object only if it is still the version that was read.
   *
   * @param etag of that version; null writes only if there is no object.
   * @returns false if somebody else wrote meanwhile.
   */
  async putTextIf(key: string, text: string, etag: string | null): Promise<boolean> {
    const condition = etag === null ? { IfNoneMatch: '*' } : { IfMatch: etag };
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.bucket,
          Key: key,
          Body: text,
          ContentType: 'application/json',
          ...condition,
        }),
      );
      return true;
    } catch (error) {
      if (isPreconditionFailed(error) || isMissing(error)) return false;
      throw error;
    }
  }
}

function inSeconds(time: Date | undefined): number {
  return Math.floor((time?.getTime() ?? 0) / 1_000);
}

/** Of a list that S3 gives URL-encoded: as in a form, where a space is a plus. */
function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '));
}

function modifiedError(key: string, cause: unknown): InvalidInputError {
  const message = `The object ${key} was overwritten or deleted after it was accepted. Drop it again, under a name of its own.`;
  return new InvalidInputError('input_modified', message, { cause });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function isMissing(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** Whether S3 denies access. It also answers so for a missing object if the caller may not list the bucket. */
export function isAccessDenied(error: unknown): boolean {
  return statusOf(error) === 403;
}

function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412 || statusOf(error) === 409;
}

function isRangeBeyondEnd(error: unknown): boolean {
  return statusOf(error) === 416;
}

/** Whether the connection failed. An error that S3 answered is another case: the SDK has retried it already. */
function isBroken(error: unknown): boolean {
  return !(error instanceof S3ServiceException || error instanceof InvalidInputError || error instanceof NotFoundError);
}
