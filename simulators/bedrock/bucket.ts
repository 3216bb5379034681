import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';

// One call reads or writes a whole object: Bedrock's files have at most 1 GB, and S3 takes five times as much.

const jsonLines = 'application/x-ndjson';

/** @returns false where there is no such object. */
export async function download(uri: string, path: string): Promise<boolean> {
  try {
    await untilConnected(async () => {
      const { Body } = await connect().send(new GetObjectCommand(objectAt(uri)));
      if (!(Body instanceof Readable)) throw new Error(`S3 gave no body for ${uri}.`);
      await pipeline(Body, createWriteStream(path));
    });
    return true;
  } catch (error) {
    if (error instanceof NoSuchKey) return false;
    throw error;
  }
}

export async function upload(path: string, uri: string): Promise<void> {
  const { size } = await stat(path);
  await untilConnected(async () => {
    const body = { Body: createReadStream(path), ContentLength: size, ContentType: jsonLines };
    await connect().send(new PutObjectCommand({ ...objectAt(uri), ...body }));
  });
}

export async function putText(text: string, uri: string): Promise<void> {
  await connect().send(new PutObjectCommand({ ...objectAt(uri), Body: text, ContentType: 'application/json' }));
}

/** Local servers have no names for buckets, so they are in the path. */
function connect(): S3Client {
  return new S3Client({ forcePathStyle: true });
}

function objectAt(uri: string): { Bucket: string; Key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return { Bucket: bucket, Key: key };
}

const maxTries = 6;

/** The SDK repeats a call whose body it can send again; a stream is begun anew here where its connection broke. */
async function untilConnected(transfer: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transfer();
    } catch (error) {
      if (tries >= maxTries || (error instanceof S3ServiceException && error.$fault === 'client')) throw error;
      await sleep(100 * 2 ** tries);
    }
  }
}
