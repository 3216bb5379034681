import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startLocalDynamoDB } from '../../local/dynamodb.ts';
import type { LoopbackServer } from '../../local/loopback-server.ts';
import type { Need, Permissions } from '../../local/permissions.ts';
import { type LocalS3, startLocalS3 } from '../../local/s3/server.ts';

let folder: string;
let s3: LocalS3;
let dynamodb: LoopbackServer;
/** Rights of `guest` as `action resource`; the owner has all. */
let rights: string[] = [];
let asked: string[] = [];
let refused: string[] = [];

const permissions: Permissions = {
  allow: (caller, need) => {
    if (caller === 'guest') asked.push(textOf(need));
    return caller === 'local' || rights.includes(textOf(need));
  },
  refused: (caller, need) => refused.push(`${caller} ${textOf(need)}`),
};

function textOf({ action, resource }: Need): string {
  return `${action} ${resource}`;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-permissions-'));
  s3 = await startLocalS3({ dataDir: join(folder, 's3'), buckets: ['bucket'], permissions });
  dynamodb = await startLocalDynamoDB(join(folder, 'dynamodb'), 'table', permissions);
  await clientOf('local').send(new PutObjectCommand({ Bucket: 'bucket', Key: 'there', Body: 'text' }));
});

beforeEach(() => {
  rights = [];
  asked = [];
  refused = [];
});

afterAll(async () => {
  await s3.close();
  await dynamodb.close();
  rmSync(folder, { recursive: true });
});

function clientOf(accessKeyId: string): S3Client {
  const credentials = { accessKeyId, secretAccessKey: 'secret' };
  return new S3Client({ endpoint: s3.url, region: 'us-east-1', forcePathStyle: true, credentials });
}

const there = { Bucket: 'bucket', Key: 'there' };

it('an object is read by who may, and a refusal names the right that lacks', async () => {
  const read = () => clientOf('guest').send(new GetObjectCommand(there));
  await expect(read()).rejects.toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
  expect(refused).toEqual(['guest s3:GetObject arn:aws:s3:::bucket/there']);
  rights = ['s3:GetObject arn:aws:s3:::bucket/there'];
  expect(await (await read()).Body?.transformToString()).toBe('text');
});

it('a link has the rights of its signer', async () => {
  const url = await getSignedUrl(clientOf('guest'), new GetObjectCommand(there));
  expect((await fetch(url)).status).toBe(403);
  rights = ['s3:GetObject arn:aws:s3:::bucket/there'];
  expect((await fetch(url)).status).toBe(200);
});

it('an object that is not there is a 403 without the right to list, and that is no refusal', async () => {
  const read = () => clientOf('guest').send(new GetObjectCommand({ Bucket: 'bucket', Key: 'missing' }));
  rights = ['s3:GetObject arn:aws:s3:::bucket/missing'];
  await expect(read()).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  expect(refused).toEqual([]);
  rights.push('s3:ListBucket arn:aws:s3:::bucket');
  await expect(read()).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
});

it('a write on a condition, and a copy, read too', async () => {
  const guest = clientOf('guest');
  rights = ['s3:PutObject arn:aws:s3:::bucket/to'];
  const from = { Bucket: 'bucket', Key: 'to', CopySource: 'bucket/there' };
  await expect(guest.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'to', IfMatch: '"x"' }))).rejects.toThrow();
  await expect(guest.send(new CopyObjectCommand(from))).rejects.toThrow();
  await expect(guest.send(new UploadPartCopyCommand({ ...from, UploadId: 'x', PartNumber: 1 }))).rejects.toThrow();
  expect(refused).toEqual([
    'guest s3:GetObject arn:aws:s3:::bucket/to',
    'guest s3:GetObject arn:aws:s3:::bucket/there',
    'guest s3:GetObject arn:aws:s3:::bucket/there',
  ]);
  await guest.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'to', IfNoneMatch: '*' }));
});

it('objects are removed together as far as each may be', async () => {
  const keys = ['one', 'two'];
  for (const key of keys) await clientOf('local').send(new PutObjectCommand({ Bucket: 'bucket', Key: key }));
  rights = ['s3:DeleteObject arn:aws:s3:::bucket/one'];
  const answer = await clientOf('guest').send(
    new DeleteObjectsCommand({ Bucket: 'bucket', Delete: { Objects: keys.map((key) => ({ Key: key })) } }),
  );
  expect(answer.Deleted?.map(({ Key: key }) => key)).toEqual(['one']);
  expect(answer.Errors).toMatchObject([{ Key: 'two', Code: 'AccessDenied' }]);
});

it('items and indexes of the table are asked for apart', async () => {
  const credentials = { accessKeyId: 'guest', secretAccessKey: 'secret' };
  const client = new DynamoDBClient({ endpoint: dynamodb.url, region: 'us-east-1', credentials });
  const Key = { pk: { S: 'a' }, sk: { S: 'b' } };
  await expect(client.send(new GetItemCommand({ TableName: 'table', Key }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  const query = { TableName: 'table', IndexName: 'unfinished', KeyConditionExpression: 'a = b' };
  await expect(client.send(new QueryCommand(query))).rejects.toThrow('not authorized');
  rights = ['dynamodb:GetItem arn:aws:dynamodb:us-east-1:000000000000:table/table'];
  expect((await client.send(new GetItemCommand({ TableName: 'table', Key }))).Item).toBeUndefined();
  expect(asked).toContain('dynamodb:Query arn:aws:dynamodb:us-east-1:000000000000:table/table/index/unfinished');
});
