import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { bodyFiles, bucketName, clientOf, eventually, startServer } from './running-server.ts';

const target = { Bucket: bucketName, Key: 'key' };
const writers = Array.from({ length: 20 }, (_, index) => `writer ${index}`);

describe('conditional writes', () => {
  it('let exactly one of 20 writers create an object', async () => {
    const { client, dataDir } = await startServer();

    const outcomes = await Promise.allSettled(
      writers.map((body) => client.send(new PutObjectCommand({ ...target, Body: body, IfNoneMatch: '*' }))),
    );

    const winners = writers.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes.filter(({ status }) => status === 'rejected')) {
      expect(outcome).toMatchObject({ reason: { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } } });
    }
    const answer = await client.send(new GetObjectCommand(target));
    expect(await answer.Body?.transformToString()).toBe(winners[0]);
    await eventually(async () => (await bodyFiles(dataDir)).length === 1);
  });

  it('let exactly one of 20 writers replace a version', async () => {
    const { client } = await startServer();
    const { ETag: etag } = await client.send(new PutObjectCommand({ ...target, Body: 'first' }));

    const outcomes = await Promise.allSettled(
      writers.map((body) => client.send(new PutObjectCommand({ ...target, Body: body, IfMatch: etag }))),
    );

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('lose nothing when 8 writers append by read, change and conditional write', async () => {
    const { s3, client } = await startServer();
    await client.send(new PutObjectCommand({ ...target, Body: '[]' }));
    const patient = clientOf(s3.url);

    async function append(value: number): Promise<void> {
      for (;;) {
        const current = await patient.send(new GetObjectCommand(target));
        const values: number[] = JSON.parse((await current.Body?.transformToString()) ?? '');
        const body = JSON.stringify([...values, value]);
        try {
          await patient.send(new PutObjectCommand({ ...target, Body: body, IfMatch: current.ETag }));
          return;
        } catch (error) {
          expect(error).toMatchObject({ name: 'PreconditionFailed' });
        }
      }
    }
    await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(append));
    patient.destroy();

    const answer = await client.send(new GetObjectCommand(target));
    expect(JSON.parse((await answer.Body?.transformToString()) ?? '').sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuse If-Match where there is no object', async () => {
    const { client } = await startServer();

    await expect(client.send(new PutObjectCommand({ ...target, Body: 'x', IfMatch: '"x"' }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      $metadata: { httpStatusCode: 404 },
    });
  });

  it('hold for copies and for completing an upload, which stays open when refused', async () => {
    const { client } = await startServer();
    await client.send(new PutObjectCommand({ ...target, Body: 'first' }));
    const { UploadId: uploadId } = await client.send(new CreateMultipartUploadCommand(target));
    const part = await client.send(
      new UploadPartCommand({ ...target, UploadId: uploadId, PartNumber: 1, Body: 'second' }),
    );
    const completion = {
      ...target,
      UploadId: uploadId,
      MultipartUpload: { Parts: [{ ...part, PartNumber: 1 }] },
    };

    await expect(
      client.send(new CompleteMultipartUploadCommand({ ...completion, IfNoneMatch: '*' })),
    ).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(
      client.send(new CopyObjectCommand({ ...target, Key: 'copy', CopySource: `${bucketName}/key`, IfMatch: '"x"' })),
    ).rejects.toMatchObject({ name: 'NoSuchKey' });

    await client.send(new CompleteMultipartUploadCommand(completion));
    const answer = await client.send(new GetObjectCommand(target));
    expect(await answer.Body?.transformToString()).toBe('second');
  });
});
