import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import type { Fault } from '../../../local/s3/server.ts';
import { bucketName, clientOf, startServer } from './running-server.ts';

const put = new PutObjectCommand({ Bucket: bucketName, Key: 'a/b', Body: 'body' });

it.each([
  ['slow-down', { name: 'SlowDown', $metadata: { httpStatusCode: 503 } }],
  ['internal-error', { name: 'InternalError', $metadata: { httpStatusCode: 500 } }],
  ['cut', { code: 'ECONNRESET' }],
] as const)('injects the fault %s, before any effect', async (fault, expected) => {
  const seen: string[][] = [];
  let next: Fault = fault;
  const beforeRequest = (...request: [string, string, string]) => {
    seen.push(request);
    return request[0] === 'PutObject' ? next : 'pass';
  };
  const { s3, client } = await startServer({ faults: { beforeRequest } });
  const impatient = clientOf(s3.url, { maxAttempts: 1 });

  await expect(impatient.send(put)).rejects.toMatchObject(expected);
  await expect(impatient.send(new HeadObjectCommand(put.input))).rejects.toMatchObject({ name: 'NotFound' });
  next = 'pass';
  await client.send(put);
  impatient.destroy();

  expect(seen).toEqual([
    ['PutObject', bucketName, 'a/b'],
    ['HeadObject', bucketName, 'a/b'],
    ['PutObject', bucketName, 'a/b'],
  ]);
});

it('is got over by the retries of the SDK', async () => {
  const faults: Fault[] = ['cut', 'slow-down', 'pass'];
  const { client } = await startServer({ faults: { beforeRequest: () => faults.shift() ?? 'pass' } });

  await client.send(put);

  expect(faults).toEqual([]);
});
