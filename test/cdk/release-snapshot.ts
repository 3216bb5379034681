import { type AttributeValue, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const bucket = 'batchdrop';
const table = 'batchdrop';

/** A batch as a release left it: its records and its objects. */
export interface Snapshot {
  /** Unix milliseconds: deadlines and leases are absolute. */
  takenAtMs: number;
  batchId: string;
  items: Record<string, AttributeValue>[];
  /** Base64 by key. */
  objects: Record<string, string>;
}

/** Everything that the harness holds; meant for a harness of one batch. */
export async function takeSnapshot(batchId: string): Promise<Snapshot> {
  const { Items: items = [] } = await new DynamoDBClient().send(new ScanCommand({ TableName: table }));
  const client = new S3Client({ forcePathStyle: true });
  const { Contents: listed = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  const objects: Record<string, string> = {};
  for (const { Key: key = '' } of listed) {
    const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    objects[key] = (await found.Body?.transformToString('base64')) ?? '';
  }
  return { takenAtMs: Date.now(), batchId, items, objects };
}

/** Puts a snapshot into an empty harness. */
export async function restore({ items, objects }: Snapshot): Promise<void> {
  const client = new S3Client({ forcePathStyle: true });
  for (const [key, body] of Object.entries(objects))
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body, 'base64') }));
  const dynamodb = new DynamoDBClient();
  for (const item of items) await dynamodb.send(new PutItemCommand({ TableName: table, Item: item }));
}
