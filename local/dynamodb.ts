import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { table } from '../lib/records/table.ts';
import { closeIteratorsOfDynalite } from './dynalite-iterators.ts';
import { askFirst } from './guarded-dynamodb.ts';
import { localCredentials, localRegion } from './local-account.ts';
import { closeServer, type LoopbackServer, listenOnLoopback } from './loopback-server.ts';
import type { Permissions } from './permissions.ts';

/** dynalite takes a moment to call a new table ACTIVE, even when told to take none. */
const pollMilliseconds = 5;

/**
 * DynamoDB with our table. Writes to a folder survive a killed process. The folder must belong to this process: dynalite
 * does not fail clearly where it does not.
 *
 * @param folder made if missing; null keeps all in memory.
 * @param permissions whose calls are allowed; all are where it is absent.
 */
export async function startLocalDynamoDB(
  folder: string | null,
  tableName: string,
  permissions?: Permissions,
): Promise<LoopbackServer> {
  closeIteratorsOfDynalite();
  const server = dynalite({
    ...(folder !== null && { path: folder }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  surviveBrokenRequests(server);
  if (permissions) askFirst(server, permissions);
  const url = await listenOnLoopback(server, 0);
  await createTableIfMissing(url, tableName);
  return { url, close: () => closeServer(server) };
}

/** dynalite throws out of the process what a client's broken connection raises. */
function surviveBrokenRequests(server: Server): void {
  server.on('request', (request) => {
    request.removeAllListeners('error');
    request.on('error', () => undefined);
  });
}

async function createTableIfMissing(url: string, tableName: string): Promise<void> {
  const client = new DynamoDBClient({ endpoint: url, region: localRegion, credentials: localCredentials });
  try {
    const status = await tableStatus(client, tableName);
    if (status === null) await client.send(new CreateTableCommand(tableDefinition(tableName)));
    while ((await tableStatus(client, tableName)) !== 'ACTIVE') await sleep(pollMilliseconds);
  } finally {
    client.destroy();
  }
}

/** @returns null where there is no such table. */
async function tableStatus(client: DynamoDBClient, tableName: string): Promise<string | null> {
  try {
    const found = await client.send(new DescribeTableCommand({ TableName: tableName }));
    return found.Table?.TableStatus ?? null;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}

function tableDefinition(tableName: string): CreateTableCommandInput {
  const indexes = Object.values(table.indexes);
  const attributes = new Set([table, ...indexes].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]));
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...attributes].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
    KeySchema: keySchema(table),
    GlobalSecondaryIndexes: indexes.map((index) => ({
      IndexName: index.name,
      KeySchema: keySchema(index),
      Projection: { ProjectionType: index.projection },
    })),
  };
}

function keySchema(keys: { partitionKey: string; sortKey: string }): CreateTableCommandInput['KeySchema'] {
  return [
    { AttributeName: keys.partitionKey, KeyType: 'HASH' },
    { AttributeName: keys.sortKey, KeyType: 'RANGE' },
  ];
}
