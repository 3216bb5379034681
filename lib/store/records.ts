import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { z } from 'zod';
import { type BatchRecord, batchRecordSchema } from '../core/batch.ts';
import { NotFoundError, WriteConflictError } from '../core/errors.ts';
import { type FileRecord, fileRecordSchema } from '../core/file.ts';
import { type ShardRecord, shardRecordSchema } from '../core/shard.ts';
import { table } from '../core/table.ts';
import { type Observe, unobserved } from './observe.ts';

/** How often a write is tried against other writers of the same record before the step is repeated as a whole. */
const maxWriteTries = 12;

interface Key {
  pk: string;
  sk: string;
}

interface Versioned {
  version: number;
}

/** Names one shard of a round whose writer the batch record names. */
export type ShardName = Pick<ShardRecord, 'batchId' | 'set' | 'shard'>;

/**
 * The records in DynamoDB. One table, single-item writes only: each is conditional on the version that was read, so a
 * change is a pure function of the record and is applied again where somebody else was faster.
 */
export class Records {
  readonly #client: DynamoDBDocumentClient;
  readonly #tableName: string;

  constructor(client: DynamoDBClient, tableName: string) {
    this.#client = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
    this.#tableName = tableName;
  }

  static connect(tableName: string, observe: Observe = unobserved): Records {
    return new Records(observe(new DynamoDBClient()), tableName);
  }

  /** @returns the record that stands, and whether this call wrote it. */
  async createBatch(batch: BatchRecord): Promise<{ batch: BatchRecord; created: boolean }> {
    const created = await this.#putNew(batchKey(batch.id), batch, batchIndexKeys(batch));
    return { batch: created ? batch : await this.getBatch(batch.id), created };
  }

  /** @throws NotFoundError */
  async getBatch(batchId: string): Promise<BatchRecord> {
    const batch = await this.#get(batchKey(batchId), batchRecordSchema);
    if (!batch) throw new NotFoundError(`No batch found with id '${batchId}'.`);
    return batch;
  }

  /** @param change a pure function; returning its argument means that nothing is to be written. */
  async updateBatch(batchId: string, change: (batch: BatchRecord) => BatchRecord): Promise<BatchRecord> {
    return this.#update(batchKey(batchId), () => this.getBatch(batchId), change, batchIndexKeys);
  }

  async createShard(shard: ShardRecord): Promise<void> {
    await this.#putNew(shardKey(shard), shard, {});
  }

  /** @throws NotFoundError */
  async getShard(name: ShardName): Promise<ShardRecord> {
    const shard = await this.#get(shardKey(name), shardRecordSchema);
    if (!shard) throw new NotFoundError(`Batch ${name.batchId} has no shard ${name.shard} in set ${name.set}.`);
    return shard;
  }

  async updateShard(name: ShardName, change: (shard: ShardRecord) => ShardRecord): Promise<ShardRecord> {
    return this.#update(
      shardKey(name),
      () => this.getShard(name),
      change,
      () => ({}),
    );
  }

  /** @returns the shards of one round in their order. */
  async listShards(batchId: string, set: string): Promise<ShardRecord[]> {
    const shards: ShardRecord[] = [];
    let from: Record<string, unknown> | undefined;
    do {
      const page = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
          ExpressionAttributeValues: { ':pk': batchKey(batchId).pk, ':sk': `shard#${set}#` },
          ExclusiveStartKey: from,
        }),
      );
      for (const item of page.Items ?? []) shards.push(shardRecordSchema.parse(item));
      from = page.LastEvaluatedKey;
    } while (from);
    return shards;
  }

  async createFile(file: FileRecord): Promise<void> {
    await this.#putNew(fileKey(file.id), file, {
      tenantKey: `${file.tenant}#file`,
      createdKey: createdKey(file.createdAt, file.id),
    });
  }

  async getFile(fileId: string): Promise<FileRecord> {
    const file = await this.#get(fileKey(fileId), fileRecordSchema);
    if (!file) throw new NotFoundError(`No such File object: ${fileId}`);
    return file;
  }

  /**
   * Notes that a provider's batch belongs to a shard, so that no other shard adopts it.
   *
   * @returns false where another shard has it already.
   */
  async claimProviderBatch(provider: string, providerBatchId: string, owner: string): Promise<boolean> {
    const key = claimKey(provider, providerBatchId);
    if (await this.#putNew(key, { owner, version: 0 }, {})) return true;
    return (await this.#claimOwner(key)) === owner;
  }

  /** @returns whose the provider's batch is, or null. */
  async providerBatchOwner(provider: string, providerBatchId: string): Promise<string | null> {
    return this.#claimOwner(claimKey(provider, providerBatchId));
  }

  async #claimOwner(key: Key): Promise<string | null> {
    const found = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return typeof found.Item?.owner === 'string' ? found.Item.owner : null;
  }

  /** Ids of batches that have not ended or whose event was not sent, oldest first; a little behind the records. */
  async *unfinishedBatchIds(): AsyncGenerator<string> {
    let from: Record<string, unknown> | undefined;
    do {
      const page = await this.#client.send(
        new QueryCommand({
          TableName: this.#tableName,
          IndexName: table.indexes.unfinished.name,
          KeyConditionExpression: 'unfinishedKey = :unfinished',
          ExpressionAttributeValues: { ':unfinished': unfinished },
          ExclusiveStartKey: from,
        }),
      );
      for (const item of page.Items ?? []) yield String(item.pk).slice('batch#'.length);
      from = page.LastEvaluatedKey;
    } while (from);
  }

  async #get<Schema extends z.ZodType>(key: Key, schema: Schema): Promise<z.output<Schema> | null> {
    const found = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return found.Item ? schema.parse(found.Item) : null;
  }

  async #putNew(key: Key, record: object, indexKeys: Record<string, string>): Promise<boolean> {
    const stamp = randomUUID();
    try {
      await this.#put({ ...record, ...key, ...indexKeys, stamp }, { ConditionExpression: 'attribute_not_exists(pk)' });
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return this.#isOurs(key, stamp);
    }
  }

  async #update<Item extends Versioned>(
    key: Key,
    read: () => Promise<Item>,
    change: (record: Item) => Item,
    indexKeys: (record: Item) => Record<string, string>,
  ): Promise<Item> {
    for (let tries = 0; tries < maxWriteTries; tries += 1) {
      const before = await read();
      const changed = change(before);
      if (changed === before) return before;
      const after = { ...changed, version: before.version + 1 };
      if (await this.#replace(key, { ...after, ...indexKeys(after) }, before.version)) return after;
      await sleep(Math.random() * 20 * 2 ** Math.min(tries, 5));
    }
    throw new WriteConflictError(
      `The record ${key.pk} ${key.sk} was changed by others ${maxWriteTries} times in a row.`,
    );
  }

  async #replace(key: Key, item: object, version: number): Promise<boolean> {
    const stamp = randomUUID();
    try {
      await this.#put(
        { ...item, ...key, stamp },
        { ConditionExpression: 'version = :version', ExpressionAttributeValues: { ':version': version } },
      );
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return this.#isOurs(key, stamp);
    }
  }

  /** Whether a refused write was the SDK's own repetition of one that had gone through. */
  async #isOurs(key: Key, stamp: string): Promise<boolean> {
    const found = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return found.Item?.stamp === stamp;
  }

  async #put(
    item: Record<string, unknown>,
    condition: { ConditionExpression: string; ExpressionAttributeValues?: Record<string, unknown> },
  ): Promise<void> {
    await this.#client.send(new PutCommand({ TableName: this.#tableName, Item: item, ...condition }));
  }
}

const unfinished = 'unfinished';

function batchKey(batchId: string): Key {
  return { pk: `batch#${batchId}`, sk: 'batch' };
}

function shardKey(name: ShardName): Key {
  return { pk: `batch#${name.batchId}`, sk: `shard#${name.set}#${String(name.shard).padStart(6, '0')}` };
}

function fileKey(fileId: string): Key {
  return { pk: `file#${fileId}`, sk: 'file' };
}

function claimKey(provider: string, providerBatchId: string): Key {
  return { pk: `claim#${provider}#${providerBatchId}`, sk: 'claim' };
}

function batchIndexKeys(batch: BatchRecord): Record<string, string> {
  const keys = { tenantKey: `${batch.tenant}#batch`, createdKey: createdKey(batch.createdAt, batch.id) };
  return batch.eventSentAtMs === null ? { ...keys, unfinishedKey: unfinished } : keys;
}

function createdKey(createdAtSeconds: number, id: string): string {
  return `${String(createdAtSeconds).padStart(12, '0')}#${id}`;
}
