import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Object } from '../core/batch.ts';

/** 8 MiB: measured 508 MB/s against 353 for lib-storage; 10,000 parts reach 80 GB. */
const partBytes = 8 * 1024 * 1024;
/** Parts under way at a time: with the one being filled, 24 MiB at most. */
const maxPartsUnderWay = 2;

export interface WrittenObject extends S3Object {
  /** In hex, of the object's bytes. */
  sha256: string;
}

/**
 * Writes one object of unknown size in flat memory: small ones by one PUT, larger ones in parts. Nothing is visible
 * before `close()` returns.
 */
export class ObjectWriter {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #key: string;
  readonly #attributes: { ContentType: string; Metadata: Record<string, string> };
  readonly #hash = createHash('sha256');
  readonly #etags: string[] = [];
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #totalBytes = 0;
  #uploadId: string | undefined;
  #underWay: Promise<void>[] = [];

  /** @param metadata ASCII only, as S3 wants it. */
  constructor(
    client: S3Client,
    bucket: string,
    key: string,
    contentType: string,
    metadata: Record<string, string> = {},
  ) {
    this.#client = client;
    this.#bucket = bucket;
    this.#key = key;
    this.#attributes = { ContentType: contentType, Metadata: metadata };
  }

  get bytes(): number {
    return this.#totalBytes;
  }

  /** The bytes must not change afterwards. */
  async write(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#totalBytes += bytes.length;
    if (this.#pendingBytes >= partBytes) await this.#sendPart();
  }

  /** Writes a line and its newline. */
  async writeLine(line: Buffer): Promise<void> {
    await this.write(line);
    await this.write(newline);
  }

  async close(): Promise<WrittenObject> {
    const etag = this.#uploadId === undefined ? await this.#putWhole() : await this.#complete();
    return { bucket: this.#bucket, key: this.#key, etag, bytes: this.#totalBytes, sha256: this.#hash.digest('hex') };
  }

  /** Gives up what was sent. Never throws: the bucket's lifecycle removes what is left behind. */
  async abort(): Promise<void> {
    this.#pending = [];
    await Promise.allSettled(this.#underWay);
    if (this.#uploadId === undefined) return;
    const target = { Bucket: this.#bucket, Key: this.#key, UploadId: this.#uploadId };
    await this.#client.send(new AbortMultipartUploadCommand(target)).catch(() => undefined);
  }

  async #sendPart(): Promise<void> {
    this.#uploadId ??= await this.#create();
    const body = this.#takePending();
    const partNumber = this.#etags.length + 1;
    this.#etags.push('');
    const sending = this.#uploadPart(this.#uploadId, partNumber, body);
    sending.catch(() => undefined); // awaited below and in close(); this only keeps it from counting as unhandled
    this.#underWay.push(sending);
    if (this.#underWay.length >= maxPartsUnderWay) await this.#underWay.shift();
  }

  #takePending(): Buffer {
    const body = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    return body;
  }

  async #create(): Promise<string> {
    const created = await this.#client.send(
      new CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: this.#key, ...this.#attributes }),
    );
    if (!created.UploadId) throw new Error(`S3 gave no upload id for ${this.#key}.`);
    return created.UploadId;
  }

  async #uploadPart(uploadId: string, partNumber: number, body: Buffer): Promise<void> {
    const sent = await this.#client.send(
      new UploadPartCommand({
        Bucket: this.#bucket,
        Key: this.#key,
        UploadId: uploadId,
        PartNumber: partNumber,
        Body: body,
      }),
    );
    this.#etags[partNumber - 1] = sent.ETag ?? '';
  }

  async #complete(): Promise<string> {
    if (this.#pendingBytes > 0) await this.#sendPart();
    await Promise.all(this.#underWay);
    const parts = this.#etags.map((etag, index) => ({ ETag: etag, PartNumber: index + 1 }));
    const completed = await this.#client.send(
      new CompleteMultipartUploadCommand({
        Bucket: this.#bucket,
        Key: this.#key,
        UploadId: this.#uploadId,
        MultipartUpload: { Parts: parts },
      }),
    );
    return completed.ETag ?? '';
  }

  async #putWhole(): Promise<string> {
    const put = await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: this.#key,
        Body: this.#takePending(),
        ...this.#attributes,
      }),
    );
    return put.ETag ?? '';
  }
}

const newline = Buffer.from('\n');
