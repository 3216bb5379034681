import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';

/**
 * The SDK sends a checksum with each part. S3 has refused such parts where the upload itself named no algorithm, and with one of
 * the whole object it keeps the parts' sums itself: the runs that write an object together need not know each other's.
 * Source: S3 user guide, "Checking object integrity", read 2026-11.
 */
const ofPart = { ChecksumAlgorithm: 'CRC32' } as const;
const checksum = { ...ofPart, ChecksumType: 'FULL_OBJECT' } as const;

export interface ObjectAttributes {
  contentType: string;
  /** ASCII only, as S3 requires. */
  metadata: Record<string, string>;
}

/**
 * An object that is written in parts. S3 keeps the parts under an upload id, so one run can begin an object and others
 * can add to it. Nothing is visible before the upload is complete.
 */
export class MultipartUpload {
  readonly #client: S3Client;
  readonly #target: { Bucket: string; Key: string };
  readonly #attributes: { ContentType: string; Metadata: Record<string, string> };

  constructor(client: S3Client, name: { bucket: string; key: string }, attributes: ObjectAttributes) {
    this.#client = client;
    this.#target = { Bucket: name.bucket, Key: name.key };
    this.#attributes = { ContentType: attributes.contentType, Metadata: attributes.metadata };
  }

  /** @returns S3's upload id. */
  async begin(): Promise<string> {
    const created = await this.#client.send(
      new CreateMultipartUploadCommand({ ...this.#target, ...this.#attributes, ...checksum }),
    );
    if (!created.UploadId) throw new Error(`S3 gave no upload id for ${this.#target.Key}.`);
    return created.UploadId;
  }

  /**
   * Sends one part. All parts but the last have at least 5 MiB, S3's minimum.
   *
   * @param partNumber from 1.
   * @returns the part's ETag.
   */
  async putPart(s3UploadId: string, partNumber: number, bytes: Buffer): Promise<string> {
    const sent = await this.#client.send(
      new UploadPartCommand({ ...this.#target, UploadId: s3UploadId, PartNumber: partNumber, Body: bytes, ...ofPart }),
    );
    return sent.ETag ?? '';
  }

  /**
   * Lets S3 copy one part from another object of the bucket.
   *
   * @param range the bytes from `start` to before `end`.
   * @returns the part's ETag.
   */
  async copyPart(
    s3UploadId: string,
    partNumber: number,
    key: string,
    range: { start: number; end: number },
  ): Promise<string> {
    const copied = await this.#client.send(
      new UploadPartCopyCommand({
        ...this.#target,
        UploadId: s3UploadId,
        PartNumber: partNumber,
        CopySource: `${this.#target.Bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
        CopySourceRange: `bytes=${range.start}-${range.end - 1}`,
      }),
    );
    return copied.CopyPartResult?.ETag ?? '';
  }

  /**
   * Makes the object of its parts.
   *
   * @param etags of all parts, in their order.
   * @returns the object's ETag.
   */
  async complete(s3UploadId: string, etags: readonly string[]): Promise<string> {
    const parts = etags.map((etag, index) => ({ ETag: etag, PartNumber: index + 1 }));
    const completed = await this.#client.send(
      new CompleteMultipartUploadCommand({
        ...this.#target,
        UploadId: s3UploadId,
        MultipartUpload: { Parts: parts },
        ChecksumType: checksum.ChecksumType,
      }),
    );
    return completed.ETag ?? '';
  }

  /** Gives up the parts that were sent. Never throws: the bucket's lifecycle removes what this leaves behind. */
  async abort(s3UploadId: string): Promise<void> {
    try {
      await this.#client.send(new AbortMultipartUploadCommand({ ...this.#target, UploadId: s3UploadId }));
    } catch {
      // Gone already, or not to be reached: either way nothing of it is visible.
    }
  }
}
