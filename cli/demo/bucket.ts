import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { localCredentials, localRegion } from '../../local/local-account.ts';

/** The stack's bucket, as anybody with the AWS SDK sees it. Objects are small here and read whole. */
export class DemoBucket {
  readonly name: string;
  readonly #client: S3Client;

  constructor(s3Url: string, name: string) {
    this.name = name;
    this.#client = new S3Client({
      endpoint: s3Url,
      region: localRegion,
      credentials: localCredentials,
      forcePathStyle: true,
    });
  }

  async write(key: string, text: string): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: text }));
  }

  /** @returns null where there is no such object. */
  async read(key: string): Promise<string | null> {
    try {
      const found = await this.#client.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
      return (await found.Body?.transformToString()) ?? '';
    } catch (error) {
      if (error instanceof NoSuchKey) return null;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }));
  }

  /** @param uri `s3://` and this bucket's name before the key. */
  keyOf(uri: string): string {
    const prefix = `s3://${this.name}/`;
    if (!uri.startsWith(prefix)) throw new Error(`${uri} is not in the bucket ${this.name}.`);
    return uri.slice(prefix.length);
  }
}
