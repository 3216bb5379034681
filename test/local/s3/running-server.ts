import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { type LocalS3, type LocalS3Options, startLocalS3 } from '../../../local/s3/server.ts';

export const bucketName = 'drop';

export interface RunningServer {
  s3: LocalS3;
  /** With the SDK's default settings but for endpoint, region, credentials and path style. */
  client: S3Client;
  dataDir: string;
}

/** A server on a free port and a client of it; both end with the test, and so does the data folder. */
export async function startServer(options: Partial<LocalS3Options> = {}): Promise<RunningServer> {
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const s3 = await startLocalS3({ buckets: [bucketName], ...options, dataDir });
  const client = clientOf(s3.url);
  onTestFinished(async () => {
    client.destroy();
    await s3.close();
  });
  return { s3, client, dataDir };
}

export function clientOf(url: string, options: { maxAttempts?: number } = {}): S3Client {
  return new S3Client({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
    ...options,
  });
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'local-s3-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The body files on disk, whether committed or not. */
export async function bodyFiles(dataDir: string): Promise<string[]> {
  const entries = await readdir(path.join(dataDir, 'bodies'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request as it goes over the wire, with a made-up signature unless told otherwise. */
export async function rawRequest(
  url: string,
  options: { method: string; path: string; headers?: Record<string, string>; body?: string | Buffer; agent?: Agent },
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const { hostname, port } = new URL(url);
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=local', ...options.headers };
  const outgoing = httpRequest(
    { hostname, port, method: options.method, path: options.path, headers, agent: options.agent },
    async (answer) => {
      const body = Buffer.concat(await Array.fromAsync(answer)).toString('utf8');
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
    },
  );
  outgoing.on('error', reject);
  outgoing.end(options.body);
  return promise;
}

/** Bytes that do not repeat within a test, the same ones in every run. */
export function someBytes(size: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed;
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, size);
}

/** Waits until a condition holds. */
export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    if (await isTrue()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('The condition did not come true within 30 seconds.');
}
