import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { S3Catalog } from '../../../local/s3/catalog.ts';
import {
  bodyFiles,
  bucketName,
  clientOf,
  eventually,
  someBytes,
  startServer,
  temporaryFolder,
} from './running-server.ts';

const killableServer = fileURLToPath(new URL('./killable-server.ts', import.meta.url));

async function get(client: S3Client, key: string): Promise<string> {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: key }));
  return (await answer.Body?.transformToString()) ?? '';
}

async function put(client: S3Client, key: string, body: string | Buffer): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucketName, Key: key, Body: body, Metadata: { key } }));
}

interface Killable {
  child: ChildProcess;
  client: S3Client;
  deliveredKeys: string[];
}

async function startKillable(dataDir: string): Promise<Killable> {
  const child = spawn(process.execPath, [killableServer, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const deliveredKeys: string[] = [];
  const listening = Promise.withResolvers<string>();
  // Events of an earlier life may come in one piece with the URL, or before it.
  lines.on('line', (line) => (line.startsWith('http://') ? listening.resolve(line) : deliveredKeys.push(line)));
  const client = clientOf(await listening.promise, { maxAttempts: 1 });
  return { child, client, deliveredKeys };
}

async function kill({ child, client }: Killable): Promise<void> {
  // What it printed before its death may come after its exit.
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  client.destroy();
}

describe('a restart', () => {
  it('finds objects, metadata, buckets and open uploads as they were', async () => {
    const first = await startServer();
    const { dataDir } = first;
    await put(first.client, 'kept ü', 'body');
    await put(first.client, 'deleted', 'body');
    await put(first.client, 'replaced', 'old');
    await put(first.client, 'replaced', 'new');
    await first.client.send(new DeleteObjectCommand({ Bucket: bucketName, Key: 'deleted' }));
    const target = { Bucket: bucketName, Key: 'upload' };
    const { UploadId: uploadId } = await first.client.send(new CreateMultipartUploadCommand(target));
    const upload = { ...target, UploadId: uploadId };
    const part = await first.client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' }));
    await first.s3.close();

    const { client } = await startServer({ dataDir, buckets: ['other'] });

    const list = await client.send(new ListObjectsV2Command({ Bucket: bucketName }));
    expect(list.Contents?.map(({ Key: key }) => key)).toEqual(['kept ü', 'replaced']);
    expect(await get(client, 'replaced')).toBe('new');
    const parts = { Parts: [{ ETag: part.ETag, PartNumber: 1 }] };
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: parts }));
    expect(await get(client, 'upload')).toBe('part');
    await eventually(async () => (await bodyFiles(dataDir)).length === 3);
  });

  it('removes bodies that no commit names and a torn last line', async () => {
    const first = await startServer();
    const { dataDir } = first;
    await put(first.client, 'a', 'body');
    await first.s3.close();
    await writeFile(path.join(dataDir, 'bodies', 'ab', 'ab'.repeat(16)), 'left behind');
    await appendFile(path.join(dataDir, 'commits.jsonl'), '{"type":"object-deleted","bucket":"drop","ke');

    const second = await startServer({ dataDir });
    expect(await bodyFiles(dataDir)).toHaveLength(1);
    await put(second.client, 'b', 'body');
    await second.s3.close();
    const { client } = await startServer({ dataDir });

    expect(await get(client, 'a')).toBe('body');
    expect(await get(client, 'b')).toBe('body');
  });

  it('stops at a spoilt log with its position instead of losing objects', async () => {
    const first = await startServer();
    await put(first.client, 'a', 'body');
    await first.s3.close();
    const file = path.join(first.dataDir, 'commits.jsonl');
    await writeFile(file, `garbage\n${await readFile(file, 'utf8')}`);

    await expect(startServer({ dataDir: first.dataDir })).rejects.toThrow(`${file}:1 is not a commit`);
  });
});

describe('closing', () => {
  it('does not wait for idle connections and lets a request in flight end', async () => {
    const { s3, client, dataDir } = await startServer();
    await put(client, 'a', 'body');
    const putting = put(client, 'b', someBytes(20_000_000));
    await eventually(async () => (await bodyFiles(dataDir)).length === 2);

    const startedAt = Date.now();
    await s3.close();

    expect(Date.now() - startedAt).toBeLessThan(1900);
    await putting;
    await expect(put(clientOf(s3.url, { maxAttempts: 1 }), 'c', 'body')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });

  it('breaks off a request that does not end', async () => {
    const { s3, dataDir } = await startServer();
    const socket = connect(Number(new URL(s3.url).port), '127.0.0.1');
    socket.write('PUT /drop/key HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4\r\nContent-Length: 9\r\n\r\nx');
    await eventually(async () => (await bodyFiles(dataDir)).length === 1);
    const closed = once(socket, 'close');

    await s3.close();

    await closed;
    expect(await bodyFiles(dataDir)).toEqual([]);
  });
});

describe('a killed server', () => {
  it('has every answered object whole and every unanswered one whole or not at all, and tells of each', async () => {
    const dataDir = await temporaryFolder();
    const large = someBytes(2_000_000);
    const answered = new Set<string>();
    const delivered = new Set<string>();

    for (let life = 0; life < 4; life++) {
      const server = await startKillable(dataDir);
      const writers = Array.from({ length: 6 }, async (_, writer) => {
        for (let index = 0; ; index++) {
          const key = `${life}/${writer}/${index}`;
          await put(server.client, key, large.subarray(0, index % 2 === 0 ? 100 : large.length));
          answered.add(key);
        }
      });
      const stopped = Promise.allSettled(writers);
      const before = answered.size;
      await eventually(() => answered.size > before + 6 + life);
      await kill(server);
      await stopped;
      for (const key of server.deliveredKeys) {
        delivered.add(key);
      }
    }

    const { client } = await startServer({
      dataDir,
      onObjectCreated: async (event) => void delivered.add(event.detail.object.key),
    });
    const stored: string[] = [];
    let token: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucketName, ContinuationToken: token }));
      for (const { Key: key = '', Size: size } of page.Contents ?? []) {
        stored.push(key);
        expect((await get(client, key)).length).toBeGreaterThan(0);
        expect([100, large.length]).toContain(size);
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(answered.size).toBeGreaterThan(20);
    expect(stored).toEqual(expect.arrayContaining([...answered]));
    await eventually(() => stored.every((key) => delivered.has(key)));
    expect([...delivered].sort()).toEqual(stored.sort());
    await eventually(async () => (await bodyFiles(dataDir)).length === stored.length);
  });
});

describe('the log', () => {
  it('is rewritten when most of it is past, and says the same', async () => {
    const folder = await temporaryFolder();
    const file = path.join(folder, 'commits.jsonl');
    const catalog = await S3Catalog.open(file);
    catalog.commit({ type: 'bucket-created', name: bucketName, createdAt: 1 });
    const lastSequencers: string[] = [];
    for (let index = 0; index < 12_000; index++) {
      const sequencer = catalog.nextSequencer();
      const object = { bucket: bucketName, key: `${index % 5}`, segments: [], size: 0, etag: '', lastModified: index };
      catalog.commit({ type: 'object-created', object: { ...object, sequencer, headers: {} } });
      lastSequencers[index % 5] = sequencer;
    }
    catalog.close();

    const lines = (await readFile(file, 'utf8')).split('\n');
    expect(lines.length).toBeLessThan(3000);
    const reopened = await S3Catalog.open(file);
    const objects = [...(reopened.buckets.get(bucketName)?.objects.values() ?? [])];
    expect(objects.map((object) => object.sequencer)).toEqual(lastSequencers);
    expect(reopened.nextSequencer() > (lastSequencers.at(-1) ?? '')).toBe(true);
    reopened.close();
  });
});
