import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { table } from '../../lib/records/table.ts';
import { startLocalDynamoDB } from '../../local/dynamodb.ts';
import { localCredentials, localRegion } from '../../local/local-account.ts';

const TableName = 'batchdrop';
let folder: string;
const closers: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-dynamodb-'));
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function start() {
  const server = await startLocalDynamoDB(folder, TableName);
  const client = new DynamoDBClient({
    endpoint: server.url,
    region: localRegion,
    credentials: localCredentials,
    maxAttempts: 1,
  });
  let isOpen = true;
  const stop = async () => {
    if (!isOpen) return;
    isOpen = false;
    client.destroy();
    await server.close();
  };
  closers.push(stop);
  return { url: server.url, client, documents: DynamoDBDocumentClient.from(client), stop };
}

describe('the local table', () => {
  it('has the keys and indexes that CDK deploys', async () => {
    const { client } = await start();
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    expect(Table?.KeySchema).toEqual([
      { AttributeName: table.partitionKey, KeyType: 'HASH' },
      { AttributeName: table.sortKey, KeyType: 'RANGE' },
    ]);
    const indexes = Table?.GlobalSecondaryIndexes?.map((index) => [index.IndexName, index.Projection?.ProjectionType]);
    expect(new Map(indexes?.map(([name, projection]) => [name, projection]))).toEqual(
      new Map(Object.values(table.indexes).map(({ name, projection }) => [name, projection])),
    );
  });

  it('keeps its records over a restart', async () => {
    const first = await start();
    await first.documents.send(new PutCommand({ TableName, Item: { pk: 'a', sk: 'b', value: 1 } }));
    await first.stop();
    const second = await start();
    const found = await second.documents.send(new GetCommand({ TableName, Key: { pk: 'a', sk: 'b' } }));
    expect(found.Item).toEqual({ pk: 'a', sk: 'b', value: 1 });
  });

  it('finds a record in the sparse index as long as it has the key, oldest first', async () => {
    const { documents } = await start();
    const put = (pk: string, more: object) =>
      documents.send(new PutCommand({ TableName, Item: { pk, sk: 'batch', ...more } }));
    await put('late', { unfinishedKey: 'unfinished', createdKey: '2' });
    await put('early', { unfinishedKey: 'unfinished', createdKey: '1' });
    await put('ended', { unfinishedKey: 'unfinished', createdKey: '0' });
    await put('ended', { createdKey: '0' });
    const found = await documents.send(
      new QueryCommand({
        TableName,
        IndexName: table.indexes.unfinished.name,
        KeyConditionExpression: 'unfinishedKey = :key',
        ExpressionAttributeValues: { ':key': 'unfinished' },
      }),
    );
    expect(found.Items?.map(({ pk }) => pk)).toEqual(['early', 'late']);
  });

  it('survives a client that breaks off in the middle of a request', async () => {
    const { url, client } = await start();
    const { port } = new URL(url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf', () => socket.resetAndDestroy());
      });
      socket.on('close', () => resolve());
    });
    await expect(client.send(new DescribeTableCommand({ TableName }))).resolves.toBeDefined();
  });

  it('leaves no database iterator behind after a query', async () => {
    const opened: { close: ReturnType<typeof vi.spyOn> }[] = [];
    const fromDynalite = createRequire(import.meta.resolve('dynalite'));
    const { Level } = fromDynalite('level');
    const values = Level.prototype.values;
    vi.spyOn(Level.prototype, 'values').mockImplementation(function (this: unknown, ...options: unknown[]) {
      const iterator = values.apply(this, options);
      opened.push({ close: vi.spyOn(iterator, 'close') });
      return iterator;
    });
    const { documents } = await start();
    for (const sk of ['a', 'b', 'c']) await documents.send(new PutCommand({ TableName, Item: { pk: 'p', sk } }));
    const condition = { KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': 'p' } };
    await documents.send(new QueryCommand({ TableName, ...condition }));
    await documents.send(new QueryCommand({ TableName, ...condition, Limit: 1 }));
    expect(opened).toHaveLength(2);
    await expect.poll(() => opened.every(({ close }) => close.mock.calls.length > 0)).toBe(true);
  });
});
