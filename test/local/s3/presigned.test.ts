import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import { bucketName, clientOf, rawRequest, startServer } from './running-server.ts';

const target = { Bucket: bucketName, Key: 'results/a b+c.jsonl' };

it('reads through a presigned URL, with the headers that it asks for', async () => {
  const { client } = await startServer();
  await client.send(new PutObjectCommand({ ...target, Body: 'body' }));
  const command = new GetObjectCommand({
    ...target,
    ResponseContentDisposition: 'attachment; filename="out.jsonl"',
    ResponseContentType: 'application/jsonl',
  });

  const answer = await fetch(await getSignedUrl(client, command, { expiresIn: 300 }));

  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('body');
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="out.jsonl"');
  expect(answer.headers.get('content-type')).toBe('application/jsonl');
});

it('reads a range through a presigned URL', async () => {
  const { client } = await startServer();
  await client.send(new PutObjectCommand({ ...target, Body: 'body' }));

  const url = await getSignedUrl(client, new GetObjectCommand(target));
  const answer = await fetch(url, { headers: { range: 'bytes=1-2' } });

  expect(answer.status).toBe(206);
  expect(await answer.text()).toBe('od');
});

it('refuses an expired presigned URL', async () => {
  const { client } = await startServer();
  await client.send(new PutObjectCommand({ ...target, Body: 'body' }));
  const signingDate = new Date(Date.now() - 61_000);

  const stale = await fetch(await getSignedUrl(client, new GetObjectCommand(target), { expiresIn: 60, signingDate }));
  const fresh = await fetch(await getSignedUrl(client, new GetObjectCommand(target), { expiresIn: 90, signingDate }));

  expect(stale.status).toBe(403);
  expect(await stale.text()).toContain('<Code>AccessDenied</Code><Message>Request has expired</Message>');
  expect(fresh.status).toBe(200);
});

it('writes through a presigned URL, metadata in the query included', async () => {
  const { s3, client } = await startServer();
  const signer = clientOf(s3.url);
  signer.config.requestChecksumCalculation = async () => 'WHEN_REQUIRED';
  const command = new PutObjectCommand({ ...target, Metadata: { priority: 'high' } });

  const answer = await fetch(await getSignedUrl(signer, command), { method: 'PUT', body: 'body' });
  signer.destroy();

  expect(answer.status).toBe(200);
  const read = await client.send(new GetObjectCommand(target));
  expect(read.Metadata).toEqual({ priority: 'high' });
  expect(await read.Body?.transformToString()).toBe('body');
});

it('refuses what no header can carry', async () => {
  const { s3, client } = await startServer();
  await client.send(new PutObjectCommand({ ...target, Body: 'body' }));
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const url = `${s3.url}/drop/key?X-Amz-Signature=0&X-Amz-Date=${date}&X-Amz-Expires=60`;

  const metadata = await fetch(`${url}&x-amz-meta-a=%E2%82%AC`, { method: 'PUT', body: 'body' });
  const command = new GetObjectCommand({ ...target, ResponseContentDisposition: 'a\r\nx: y' });
  const override = await fetch(await getSignedUrl(client, command));

  expect(metadata.status).toBe(400);
  expect(override.status).toBe(400);
  expect(await override.text()).toContain('ISO-8859-1');
});

it('says what is wrong with a presigned URL', async () => {
  const { s3 } = await startServer();

  const answer = await fetch(`${s3.url}/drop/key?X-Amz-Signature=0&X-Amz-Date=20260101T000000Z&X-Amz-Expires=700000`);

  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('AuthorizationQueryParametersError');
});

describe('a web page of another origin', () => {
  const signed = `X-Amz-Signature=a&X-Amz-Date=${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}&X-Amz-Expires=900`;

  it.each([
    [
      'delete objects',
      'POST',
      `/${bucketName}?delete&${signed}`,
      '<Delete><Object><Key>inbox/x.jsonl</Key></Object></Delete>',
    ],
    ['put an object', 'PUT', `/${bucketName}/inbox/x.jsonl?${signed}`, 'other'],
    ['delete an object', 'DELETE', `/${bucketName}/inbox/x.jsonl?${signed}`, ''],
  ])('may not %s', async (_what, method, path, body) => {
    const { client, s3 } = await startServer();
    await client.send(new PutObjectCommand({ Bucket: bucketName, Key: 'inbox/x.jsonl', Body: 'body' }));

    const headers = { 'content-type': 'text/plain', origin: 'http://evil.example' };
    const answer = await rawRequest(s3.url, { method, path, headers, body });

    expect(answer.status).toBe(403);
    const kept = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: 'inbox/x.jsonl' }));
    expect(await kept.Body?.transformToString()).toBe('body');
  });
});
