import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { NotFoundError } from '../../lib/records/errors.ts';
import { Objects } from '../../lib/store/objects.ts';

/** @returns false where there is no such object. */
export async function download(uri: string, path: string): Promise<boolean> {
  const { bucket, key } = placeOf(uri);
  try {
    await pipeline(Objects.connect(bucket, true).stream({ bucket, key }), createWriteStream(path));
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

export async function upload(path: string, uri: string): Promise<void> {
  const { bucket, key } = placeOf(uri);
  await Objects.connect(bucket, true).write(key, createReadStream(path));
}

export async function putText(text: string, uri: string): Promise<void> {
  const { bucket, key } = placeOf(uri);
  await Objects.connect(bucket, true).putText(key, text);
}

function placeOf(uri: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return { bucket, key };
}
