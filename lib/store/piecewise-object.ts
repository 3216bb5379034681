import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Object } from '../records/batch.ts';

/** One object that is written in pieces, by as many runs as it takes: S3 keeps the pieces under an upload id. */
export class PiecewiseObject {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #key: string;
  readonly #contentType: string;

  constructor(client: S3Client, bucket: string, key: string, contentType: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#key = key;
    this.#contentType = contentType;
  }

  /** @returns S3's upload id, by which other runs go on. */
  async begin(): Promise<string> {
    const created = await this.#client.send(
      new CreateMultipartUploadCommand({ Bucket: this.#bucket, Key: this.#key, ContentType: this.#contentType }),
    );
    if (!created.UploadId) throw new Error(`S3 gave no upload id for ${this.#key}.`);
    return created.UploadId;
  }

  /**
   * @param place from 0. All pieces but the last have at least 5 MiB, S3's minimum.
   * @returns the piece's ETag.
   */
  async putPiece(s3UploadId: string, place: number, bytes: Buffer): Promise<string> {
    const sent = await this.#client.send(
      new UploadPartCommand({
        Bucket: this.#bucket,
        Key: this.#key,
        UploadId: s3UploadId,
        PartNumber: place + 1,
        Body: bytes,
      }),
    );
    return sent.ETag ?? '';
  }

  /** @param etags of all pieces, in their order. */
  async complete(s3UploadId: string, etags: readonly string[], bytes: number): Promise<S3Object> {
    const parts = etags.map((etag, place) => ({ ETag: etag, PartNumber: place + 1 }));
    const completed = await this.#client.send(
      new CompleteMultipartUploadCommand({
        Bucket: this.#bucket,
        Key: this.#key,
        UploadId: s3UploadId,
        MultipartUpload: { Parts: parts },
      }),
    );
    return { bucket: this.#bucket, key: this.#key, etag: completed.ETag ?? '', bytes };
  }
}
