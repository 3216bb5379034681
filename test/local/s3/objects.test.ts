import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { bodyFiles, bucketName, eventually, rawRequest, someBytes, startServer } from './running-server.ts';

async function put(client: S3Client, key: string, body: string | Buffer): Promise<string> {
  const { ETag: etag } = await client.send(new PutObjectCommand({ Bucket: bucketName, Key: key, Body: body }));
  return etag ?? '';
}

async function getText(client: S3Client, key: string, range?: string): Promise<string> {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: key, Range: range }));
  return (await answer.Body?.transformToString()) ?? '';
}

describe('objects', () => {
  it('returns body, headers and metadata as they were put', async () => {
    const { client } = await startServer();
    const body = someBytes(300_000);

    await client.send(
      new PutObjectCommand({
        Bucket: bucketName,
        Key: 'inbox/requests.jsonl',
        Body: body,
        ContentType: 'application/jsonl',
        CacheControl: 'no-store',
        ContentEncoding: 'gzip',
        ContentDisposition: 'attachment',
        Metadata: { 'max-cost-usd': '50', Metadata: '{"a": 1}' },
      }),
    );
    const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: 'inbox/requests.jsonl' }));

    expect(answer).toMatchObject({
      ContentLength: body.length,
      ContentType: 'application/jsonl',
      CacheControl: 'no-store',
      ContentEncoding: 'gzip',
      ContentDisposition: 'attachment',
      Metadata: { 'max-cost-usd': '50', metadata: '{"a": 1}' },
      ETag: `"${createHash('md5').update(body).digest('hex')}"`,
    });
    expect(Math.abs(Date.now() - (answer.LastModified?.getTime() ?? 0))).toBeLessThan(5000);
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  });

  it('takes a stream of known length and keeps the aws-chunked encoding to itself', async () => {
    const { client } = await startServer();
    const body = someBytes(3_000_001);

    await client.send(
      new PutObjectCommand({
        Bucket: bucketName,
        Key: 'stream',
        Body: Readable.from([body.subarray(0, 10), body.subarray(10, 2_000_000), body.subarray(2_000_000)]),
        ContentLength: body.length,
      }),
    );
    const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: 'stream' }));

    expect(answer.ContentEncoding).toBeUndefined();
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  });

  it('keeps an empty object', async () => {
    const { client } = await startServer();

    await put(client, 'empty', '');

    expect(await getText(client, 'empty')).toBe('');
    const head = await client.send(new HeadObjectCommand({ Bucket: bucketName, Key: 'empty' }));
    expect(head.ContentLength).toBe(0);
  });

  it.each([
    'with space and+plus',
    'percent%41%2F%',
    'a/../b',
    '../../../../etc/passwd',
    './x',
    'a/./b/',
    '//x',
    'ends/',
    'ünï/😀/\u{ffff}',
    'quote"\'<&>;?#[]@!$()*,=:',
    'line\nfeed\ttab\r\u0001',
    '__proto__',
    'x'.repeat(1024),
    '%2e%2e/%2e',
  ])('stores the odd key %j under its own name', async (key) => {
    const { client, dataDir } = await startServer();
    await put(client, 'other', 'other');

    await put(client, key, `body of ${key}`);

    expect(await getText(client, key)).toBe(`body of ${key}`);
    const list = await client.send(new ListObjectsV2Command({ Bucket: bucketName }));
    expect(list.Contents?.map((object) => object.Key).sort()).toEqual([key, 'other'].sort());
    expect(await bodyFiles(dataDir)).toHaveLength(2);
    const deletion = await client.send(
      new DeleteObjectsCommand({ Bucket: bucketName, Delete: { Objects: [{ Key: key }] } }),
    );
    expect(deletion.Deleted).toEqual([{ Key: key }]);
    await expect(getText(client, key)).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await getText(client, 'other')).toBe('other');
  });

  it('refuses a key of more than 1,024 bytes', async () => {
    const { client } = await startServer();

    await expect(put(client, 'ü'.repeat(513), '')).rejects.toMatchObject({ name: 'KeyTooLongError' });
  });

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-30', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
  ])('answers the range %s', async (range, expected, contentRange) => {
    const { client } = await startServer();
    await put(client, 'digits', '0123456789');

    const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: 'digits', Range: range }));

    expect(answer).toMatchObject({ ContentRange: contentRange, ContentLength: expected.length });
    expect(await answer.Body?.transformToString()).toBe(expected);
  });

  it.each(['bytes=10-', 'bytes=-0'])('answers 416 to the range %s', async (range) => {
    const { client } = await startServer();
    await put(client, 'digits', '0123456789');

    await expect(getText(client, 'digits', range)).rejects.toMatchObject({
      name: 'InvalidRange',
      $metadata: { httpStatusCode: 416 },
    });
  });

  it('answers the whole to a range that makes no sense or is for another version', async () => {
    const { s3, client } = await startServer();
    await put(client, 'digits', '0123456789');

    for (const headers of [{ range: 'bytes=5-2' }, { range: 'lines=1-2' }, { range: 'bytes=0-1', 'if-range': '"x"' }]) {
      const answer = await rawRequest(s3.url, { method: 'GET', path: `/${bucketName}/digits`, headers });
      expect(answer).toMatchObject({ status: 200, body: '0123456789' });
    }
  });

  it('decides conditional reads by ETag', async () => {
    const { client } = await startServer();
    const etag = await put(client, 'key', 'body');
    const target = { Bucket: bucketName, Key: 'key' };

    await client.send(new GetObjectCommand({ ...target, IfMatch: etag }));
    await client.send(new HeadObjectCommand({ ...target, IfNoneMatch: '"other"' }));

    await expect(client.send(new GetObjectCommand({ ...target, IfMatch: '"other"' }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    await expect(client.send(new GetObjectCommand({ ...target, IfNoneMatch: etag }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
  });

  it('decides conditional reads by date', async () => {
    const { client } = await startServer();
    await put(client, 'key', 'body');
    const target = { Bucket: bucketName, Key: 'key' };
    const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];

    await client.send(new GetObjectCommand({ ...target, IfModifiedSince: past, IfUnmodifiedSince: future }));

    await expect(client.send(new GetObjectCommand({ ...target, IfModifiedSince: future }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    await expect(client.send(new GetObjectCommand({ ...target, IfUnmodifiedSince: past }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
  });

  it('lets a reader finish the old body while the object is overwritten and deleted', async () => {
    const { client, dataDir } = await startServer();
    const body = someBytes(20_000_000);
    await put(client, 'key', body);
    const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: 'key' }));

    await put(client, 'key', 'new');
    await client.send(new DeleteObjectCommand({ Bucket: bucketName, Key: 'key' }));
    expect(await bodyFiles(dataDir)).toHaveLength(1);

    expect((await buffer(answer.Body as Readable)).equals(body)).toBe(true);
    await eventually(async () => (await bodyFiles(dataDir)).length === 0);
  });

  it('removes an old body after its reader has gone away in the middle', async () => {
    const { client, dataDir } = await startServer();
    await put(client, 'key', someBytes(20_000_000));
    const answer = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: 'key' }));
    await put(client, 'key', 'new');

    (answer.Body as Readable).destroy();

    await eventually(async () => (await bodyFiles(dataDir)).length === 1);
    expect(await getText(client, 'key')).toBe('new');
  });

  it('deletes what is there and what is not', async () => {
    const { client, dataDir } = await startServer();
    await put(client, 'a', 'a');
    await put(client, 'b', 'b');
    const etag = await put(client, 'c', 'c');
    const target = { Bucket: bucketName, Key: 'c' };

    await client.send(new DeleteObjectCommand({ Bucket: bucketName, Key: 'missing' }));
    const objects = [{ Key: 'a' }, { Key: 'b' }, { Key: 'missing too' }, { Key: 'c', ETag: '"other"' }];
    const answer = await client.send(new DeleteObjectsCommand({ Bucket: bucketName, Delete: { Objects: objects } }));

    expect(answer.Deleted?.map(({ Key: key }) => key)).toEqual(['a', 'b', 'missing too']);
    expect(answer.Errors).toEqual([{ Key: 'c', Code: 'PreconditionFailed' }]);
    await expect(client.send(new DeleteObjectCommand({ ...target, IfMatch: '"other"' }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await client.send(new DeleteObjectCommand({ ...target, IfMatch: etag }));
    await eventually(async () => (await bodyFiles(dataDir)).length === 0);
  });

  it('copies with the old metadata or with new', async () => {
    const { client } = await startServer({ buckets: [bucketName, 'other'] });
    const source = { Bucket: bucketName, Key: 'odd + key/ü%' };
    await client.send(
      new PutObjectCommand({ ...source, Body: 'body', Metadata: { a: '1' }, ContentType: 'text/plain' }),
    );
    const copySource = encodeURI(`${source.Bucket}/odd + key/`) + encodeURIComponent('ü%');

    const kept = await client.send(new CopyObjectCommand({ Bucket: 'other', Key: 'kept', CopySource: copySource }));
    await client.send(
      new CopyObjectCommand({
        ...source,
        CopySource: copySource,
        MetadataDirective: 'REPLACE',
        Metadata: { b: '2' },
        ContentType: 'text/csv',
      }),
    );

    expect(kept.CopyObjectResult?.ETag).toBe(`"${createHash('md5').update('body').digest('hex')}"`);
    const keptHead = await client.send(new HeadObjectCommand({ Bucket: 'other', Key: 'kept' }));
    expect(keptHead).toMatchObject({ Metadata: { a: '1' }, ContentType: 'text/plain', ContentLength: 4 });
    const replacedHead = await client.send(new HeadObjectCommand(source));
    expect(replacedHead).toMatchObject({ Metadata: { b: '2' }, ContentType: 'text/csv' });
  });

  it('refuses a copy whose source is not as wanted, is itself or is missing', async () => {
    const { client } = await startServer();
    await put(client, 'key', 'body');
    const copy = { Bucket: bucketName, Key: 'copy', CopySource: `/${bucketName}/key` };

    await expect(client.send(new CopyObjectCommand({ ...copy, CopySourceIfMatch: '"x"' }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await expect(client.send(new CopyObjectCommand({ ...copy, Key: 'key' }))).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    await expect(
      client.send(new CopyObjectCommand({ ...copy, CopySource: `${bucketName}/missing` })),
    ).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('buckets', () => {
  it('are created, found, located and listed', async () => {
    const { client } = await startServer();

    await client.send(new CreateBucketCommand({ Bucket: 'second' }));
    await client.send(new CreateBucketCommand({ Bucket: 'second' }));

    const list = await client.send(new ListBucketsCommand({}));
    expect(list.Buckets?.map((bucket) => bucket.Name)).toEqual([bucketName, 'second']);
    const head = await client.send(new HeadBucketCommand({ Bucket: 'second' }));
    expect(head.BucketRegion).toBe('us-east-1');
    const location = await client.send(new GetBucketLocationCommand({ Bucket: 'second' }));
    expect(location.LocationConstraint || undefined).toBeUndefined();
    await expect(client.send(new HeadBucketCommand({ Bucket: 'third' }))).rejects.toMatchObject({ name: 'NotFound' });
    await expect(client.send(new CreateBucketCommand({ Bucket: 'Not_valid' }))).rejects.toMatchObject({
      name: 'InvalidBucketName',
    });
  });

  it('answer under a virtual host too', async () => {
    const { s3, client } = await startServer();
    await put(client, 'a/b', 'body');

    const answer = await rawRequest(s3.url, {
      method: 'GET',
      path: '/a/b',
      headers: { host: `${bucketName}.localhost` },
    });

    expect(answer).toMatchObject({ status: 200, body: 'body' });
  });
});

describe('refusals', () => {
  it('are worded like those of S3, with a request id', async () => {
    const { s3 } = await startServer();

    const answer = await rawRequest(s3.url, { method: 'GET', path: `/${bucketName}/a%26b` });

    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/xml');
    expect(answer.body).toContain('<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>');
    expect(answer.body).toContain(`<RequestId>${answer.headers['x-amz-request-id']}</RequestId>`);
  });

  it('say what is not implemented', async () => {
    const { s3, client } = await startServer();

    await expect(client.send(new GetBucketAclCommand({ Bucket: bucketName }))).rejects.toMatchObject({
      name: 'NotImplemented',
    });
    await expect(
      client.send(new PutObjectCommand({ Bucket: bucketName, Key: 'k', Body: '', Tagging: 'a=b' })),
    ).rejects.toMatchObject({ name: 'NotImplemented' });
    const answer = await rawRequest(s3.url, { method: 'PATCH', path: `/${bucketName}/k` });
    expect(answer.status).toBe(501);
  });

  it('tell a missing bucket from a missing key', async () => {
    const { client } = await startServer();

    await expect(
      client.send(new PutObjectCommand({ Bucket: 'nowhere', Key: 'k', Body: someBytes(10_000_000) })),
    ).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(client.send(new GetObjectCommand({ Bucket: 'nowhere', Key: 'k' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
    await expect(client.send(new HeadObjectCommand({ Bucket: bucketName, Key: 'k' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it('keep out requests without credentials and under foreign host names', async () => {
    const { s3 } = await startServer();

    const anonymous = await fetch(`${s3.url}/${bucketName}/k`);
    const foreign = await rawRequest(s3.url, { method: 'GET', path: '/', headers: { host: 'rebound.example:80' } });

    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain('<Code>AccessDenied</Code>');
    expect(foreign.status).toBe(403);
  });

  it('limit user metadata to 2 KB', async () => {
    const { client } = await startServer();
    const target = { Bucket: bucketName, Key: 'k', Body: 'body' };
    const metadata = { a: 'x'.repeat(2046), b: '' };

    await client.send(new PutObjectCommand({ ...target, Metadata: metadata }));

    await expect(
      client.send(new PutObjectCommand({ ...target, Metadata: { ...metadata, b: '1' } })),
    ).rejects.toMatchObject({ name: 'MetadataTooLarge' });
    const head = await client.send(new HeadObjectCommand({ Bucket: bucketName, Key: 'k' }));
    expect(head.Metadata).toEqual(metadata);
  });
});
