import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { Upload } from './object-writer.ts';

export interface ObjectAttributes {
  contentType: string;
  /** ASCII only, as S3 wants it. */
  metadata: Record<string, string>;
}

/** One object on its way to S3, whole or in parts. */
export class MultipartUpload implements Upload {
  readonly #client: S3Client;
  readonly #target: { Bucket: string; Key: string };
  readonly #attributes: { ContentType: string; Metadata: Record<string, string> };
  readonly #etags: string[] = [];
  #uploadId: Promise<string> | undefined;

  constructor(client: S3Client, name: { bucket: string; key: string }, attributes: ObjectAttributes) {
    this.#client = client;
    this.#target = { Bucket: name.bucket, Key: name.key };
    this.#attributes = { ContentType: attributes.contentType, Metadata: attributes.metadata };
  }

  async putWhole(bytes: Buffer): Promise<string> {
    const put = await this.#client.send(new PutObjectCommand({ ...this.#target, Body: bytes, ...this.#attributes }));
    return put.ETag ?? '';
  }

  async sendPart(partNumber: number, bytes: Buffer): Promise<void> {
    const sent = await this.#client.send(
      new UploadPartCommand({ ...this.#target, UploadId: await this.#begun(), PartNumber: partNumber, Body: bytes }),
    );
    this.#etags[partNumber - 1] = sent.ETag ?? '';
  }

  async copyPart(partNumber: number, key: string, start: number, end: number): Promise<void> {
    const copied = await this.#client.send(
      new UploadPartCopyCommand({
        ...this.#target,
        UploadId: await this.#begun(),
        PartNumber: partNumber,
        CopySource: `${this.#target.Bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
        CopySourceRange: `bytes=${start}-${end - 1}`,
      }),
    );
    this.#etags[partNumber - 1] = copied.CopyPartResult?.ETag ?? '';
  }

  async complete(): Promise<string> {
    const parts = this.#etags.map((etag, index) => ({ ETag: etag, PartNumber: index + 1 }));
    const completed = await this.#client.send(
      new CompleteMultipartUploadCommand({
        ...this.#target,
        UploadId: await this.#begun(),
        MultipartUpload: { Parts: parts },
      }),
    );
    return completed.ETag ?? '';
  }

  /** The bucket's lifecycle removes what this leaves behind. */
  async abort(): Promise<void> {
    if (this.#uploadId === undefined) return;
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ ...this.#target, UploadId: await this.#uploadId }));
    } catch {
      // Gone already, or not to be reached: either way nothing of it is visible.
    }
  }

  #begun(): Promise<string> {
    this.#uploadId ??= this.#create();
    return this.#uploadId;
  }

  async #create(): Promise<string> {
    const created = await this.#client.send(new CreateMultipartUploadCommand({ ...this.#target, ...this.#attributes }));
    if (!created.UploadId) throw new Error(`S3 gave no upload id for ${this.#target.Key}.`);
    return created.UploadId;
  }
}
