import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { MultipartUpload, type ObjectAttributes } from './multipart-upload.ts';
import type { Upload } from './object-writer.ts';

/** An object that one writer sends to S3: whole if it is small, in parts otherwise. */
export class ObjectUpload implements Upload {
  readonly #client: S3Client;
  readonly #input: { Bucket: string; Key: string; ContentType: string; Metadata: Record<string, string> };
  readonly #multipart: MultipartUpload;
  readonly #etags: string[] = [];
  #uploadId: Promise<string> | undefined;

  constructor(client: S3Client, name: { bucket: string; key: string }, attributes: ObjectAttributes) {
    const { contentType, metadata } = attributes;
    this.#client = client;
    this.#input = { Bucket: name.bucket, Key: name.key, ContentType: contentType, Metadata: metadata };
    this.#multipart = new MultipartUpload(client, name, attributes);
  }

  async putWhole(bytes: Buffer): Promise<string> {
    const put = await this.#client.send(new PutObjectCommand({ ...this.#input, Body: bytes }));
    return put.ETag ?? '';
  }

  async sendPart(partNumber: number, bytes: Buffer): Promise<void> {
    this.#etags[partNumber - 1] = await this.#multipart.putPart(await this.#begin(), partNumber, bytes);
  }

  async copyPart(partNumber: number, key: string, start: number, end: number): Promise<void> {
    const range = { start, end };
    this.#etags[partNumber - 1] = await this.#multipart.copyPart(await this.#begin(), partNumber, key, range);
  }

  async complete(): Promise<string> {
    return this.#multipart.complete(await this.#begin(), this.#etags);
  }

  async abort(): Promise<void> {
    if (this.#uploadId === undefined) return;
    const uploadId = await this.#uploadId.catch(() => null);
    if (uploadId !== null) await this.#multipart.abort(uploadId);
  }

  /** The first part begins the upload. */
  #begin(): Promise<string> {
    this.#uploadId ??= this.#multipart.begin();
    return this.#uploadId;
  }
}
