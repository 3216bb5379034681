import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import type { ObjectCreatedEvent } from '../../../local/s3/server.ts';
import { bucketName, eventually, startServer, temporaryFolder } from './running-server.ts';

async function put(client: S3Client, key: string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucketName, Key: key, Body: 'body' }));
}

function recorder() {
  const events: ObjectCreatedEvent[] = [];
  return { events, onObjectCreated: async (event: ObjectCreatedEvent) => void events.push(event) };
}

describe('events', () => {
  it('tell of a creation as EventBridge does', async () => {
    const { events, onObjectCreated } = recorder();
    const { client } = await startServer({ onObjectCreated, notifyPrefix: 'inbox/' });

    const { ETag: etag } = await client.send(
      new PutObjectCommand({ Bucket: bucketName, Key: 'inbox/a b+ü', Body: 'body' }),
    );
    await eventually(() => events.length > 0);

    expect(events).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'Object Created',
        source: 'aws.s3',
        account: '000000000000',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        region: 'us-east-1',
        resources: [`arn:aws:s3:::${bucketName}`],
        detail: {
          version: '0',
          bucket: { name: bucketName },
          object: {
            key: 'inbox/a b+ü',
            size: 4,
            etag: etag?.replaceAll('"', ''),
            sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
          },
          'request-id': expect.stringMatching(/^[0-9A-F]{16}$/),
          requester: '000000000000',
          'source-ip-address': '127.0.0.1',
          reason: 'PutObject',
        },
      },
    ]);
  });

  it('come only from keys under the prefix, copies included', async () => {
    const { events, onObjectCreated } = recorder();
    const { client } = await startServer({ onObjectCreated, notifyPrefix: 'inbox/' });

    await put(client, 'results/x');
    const copy = { Bucket: bucketName, Key: 'inbox/copy', CopySource: `${bucketName}/results/x` };
    await client.send(new CopyObjectCommand(copy));
    await client.send(new DeleteObjectCommand({ Bucket: bucketName, Key: 'inbox/copy' }));
    await eventually(() => events.length > 0);

    expect(events.map(({ detail }) => [detail.object.key, detail.reason])).toEqual([['inbox/copy', 'CopyObject']]);
  });

  it('find the object in place', async () => {
    const bodies: (string | undefined)[] = [];
    const { client } = await startServer({
      onObjectCreated: async ({ detail }) => {
        const command = new GetObjectCommand({
          Bucket: bucketName,
          Key: detail.object.key,
          IfMatch: detail.object.etag,
        });
        bodies.push(await (await client.send(command)).Body?.transformToString());
      },
    });

    await put(client, 'a');

    await eventually(() => bodies.length > 0);
    expect(bodies).toEqual(['body']);
  });

  it('come again, as the same event, until the handler takes them', async () => {
    const attempts: ObjectCreatedEvent[] = [];
    const { client } = await startServer({
      onObjectCreated: async (event) => {
        attempts.push(event);
        if (attempts.length < 4) {
          throw new Error('not yet');
        }
      },
    });

    const startedAt = Date.now();
    await put(client, 'a');
    await eventually(() => attempts.length === 4);

    // 100 + 200 + 400 ms of backoff; a timer may fire a millisecond early.
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(695);
    expect(new Set(attempts.map((event) => event.id)).size).toBe(1);
  });

  it('neither hold up the answer nor each other when a handler hangs or fails', async () => {
    const { events, onObjectCreated } = recorder();
    const { promise: hanging, resolve: release } = Promise.withResolvers<void>();
    const { client } = await startServer({
      onObjectCreated: async (event) => {
        if (event.detail.object.key.startsWith('hang')) {
          await hanging;
        } else if (event.detail.object.key.startsWith('fail')) {
          throw new Error('never');
        }
        await onObjectCreated(event);
      },
    });

    for (let index = 0; index < 15; index++) {
      await put(client, `hang ${index}`);
    }
    for (let index = 0; index < 30; index++) {
      await put(client, `fail ${index}`);
    }
    await put(client, 'good');

    await eventually(() => events.some((event) => event.detail.object.key === 'good'));
    release();
    await eventually(() => events.length === 16);
  });

  it('run at most 16 at a time', async () => {
    const counts = { running: 0, most: 0, done: 0 };
    const { client } = await startServer({
      onObjectCreated: async () => {
        counts.running++;
        counts.most = Math.max(counts.most, counts.running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        counts.running--;
        counts.done++;
      },
    });

    await Promise.all(Array.from({ length: 100 }, (_, index) => put(client, `key ${index}`)));
    await eventually(() => counts.done === 100);

    expect(counts.most).toBeLessThanOrEqual(16);
  });

  it('that were not taken are delivered by the next start, those taken are not', async () => {
    const dataDir = await temporaryFolder();
    const failing = vi.fn(async (event: ObjectCreatedEvent) => {
      if (event.detail.object.key !== 'taken') {
        throw new Error('no');
      }
    });
    const first = await startServer({ dataDir, onObjectCreated: failing });
    await put(first.client, 'taken');
    await put(first.client, 'left');
    await put(first.client, 'deleted');
    await first.client.send(new DeleteObjectCommand({ Bucket: bucketName, Key: 'deleted' }));
    await eventually(() => failing.mock.calls.length >= 3);
    await first.s3.close();
    const callsAtClose = failing.mock.calls.length;

    const silent = await startServer({ dataDir });
    await silent.s3.close();
    const { events, onObjectCreated } = recorder();
    const second = await startServer({ dataDir, onObjectCreated });
    await eventually(() => events.length === 2);
    await second.s3.close();
    const third = await startServer({ dataDir, onObjectCreated });
    await put(third.client, 'last');
    await eventually(() => events.length === 3);

    expect(events.map((event) => event.detail.object.key)).toEqual(['left', 'deleted', 'last']);
    expect(failing.mock.calls.length).toBe(callsAtClose);
  });

  it('carry sequencers that grow per key, over deletions and restarts', async () => {
    const dataDir = await temporaryFolder();
    const { events, onObjectCreated } = recorder();
    for (let run = 0; run < 2; run++) {
      const { client, s3 } = await startServer({ dataDir, onObjectCreated });
      for (let index = 0; index < 5; index++) {
        await put(client, 'key');
        await client.send(new DeleteObjectCommand({ Bucket: bucketName, Key: 'key' }));
      }
      await eventually(() => events.length === (run + 1) * 5);
      await s3.close();
    }

    const sequencers = events.map((event) => event.detail.object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
    expect(sequencers).toHaveLength(10);
  });
});
