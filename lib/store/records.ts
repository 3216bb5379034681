import { z } from 'zod';
import { type BatchRecord, batchRecordSchema, isSettled } from '../records/batch.ts';
import { NotFoundError } from '../records/errors.ts';
import { type FileRecord, fileRecordSchema } from '../records/file.ts';
import { existingShards, holdsLines, type ShardRecord, shardRecordSchema } from '../records/shard.ts';
import { table } from '../records/table.ts';
import { type Creation, createdKey, type IndexKeys, type Key, type RecordTable } from './record-table.ts';

/** Names one shard. `set` is the token of the round that the shard belongs to. */
export type ShardName = Pick<ShardRecord, 'batchId' | 'set' | 'shard'>;

/** Which of a tenant's records to list. */
export interface ListRequest {
  order: 'asc' | 'desc';
  /** The record after which the list goes on; it need not exist any more. */
  after: Creation | null;
  /** How many are read at a time. */
  pageItems: number;
}

/** Which batches: of a time, too. Unix seconds; null leaves all. */
export interface BatchListRequest extends ListRequest {
  /** Made then or later. */
  createdAfter?: number | null;
  /** Made earlier than that. */
  createdBefore?: number | null;
}

/** The batches, shards and files in DynamoDB: one table, single-item writes only. */
export class Records {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** When the table was made, in Unix seconds: there is no batch of anything older. */
  async createdAtSeconds(): Promise<number> {
    return this.#table.createdAtSeconds();
  }

  /** @returns the stored record, and whether this call wrote it. */
  async createBatch(batch: BatchRecord): Promise<{ batch: BatchRecord; created: boolean }> {
    const created = await this.#table.putNew(batchRecordKey(batch.id), batch, batchIndexKeys(batch));
    return { batch: created ? batch : await this.getBatch(batch.id), created };
  }

  /** @returns null if there is no such record. */
  async findBatch(batchId: string): Promise<BatchRecord | null> {
    return this.#table.get(batchRecordKey(batchId), batchRecordSchema);
  }

  /** @throws NotFoundError */
  async getBatch(batchId: string): Promise<BatchRecord> {
    const batch = await this.findBatch(batchId);
    if (!batch) throw new NotFoundError(`No batch found with id '${batchId}'.`);
    return batch;
  }

  /** @param change a pure function. If it returns its argument, nothing is written. */
  async updateBatch(batchId: string, change: (batch: BatchRecord) => BatchRecord): Promise<BatchRecord> {
    return this.#table.update(batchRecordKey(batchId), {
      read: () => this.getBatch(batchId),
      change,
      indexKeys: batchIndexKeys,
    });
  }

  async createShard(shard: ShardRecord): Promise<void> {
    await this.#table.putNew(shardRecordKey(shard), shard);
  }

  /** @returns null if there is no such record. */
  async findShard(name: ShardName): Promise<ShardRecord | null> {
    return this.#table.get(shardRecordKey(name), shardRecordSchema);
  }

  /** @throws NotFoundError */
  async getShard(name: ShardName): Promise<ShardRecord> {
    const shard = await this.findShard(name);
    if (!shard) throw new NotFoundError(`Batch ${name.batchId} has no shard ${name.shard} in set ${name.set}.`);
    return shard;
  }

  async updateShard(name: ShardName, change: (shard: ShardRecord) => ShardRecord): Promise<ShardRecord> {
    return this.#table.update(shardRecordKey(name), { read: () => this.getShard(name), change });
  }

  /** @returns the shards of one round that hold its lines, in their order. */
  async listShards(batchId: string, set: string): Promise<ShardRecord[]> {
    return (await this.listAllShards(batchId, set)).filter(holdsLines);
  }

  /** @returns the shards of one round in their order, those that were taken apart too. */
  async listAllShards(batchId: string, set: string): Promise<ShardRecord[]> {
    const items = this.#table.query({
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
      ExpressionAttributeValues: { ':pk': batchRecordKey(batchId).pk, ':sk': `shard#${set}#` },
    });
    const shards: ShardRecord[] = [];
    for await (const item of items) shards.push(shardRecordSchema.parse(item));
    return existingShards(shards).toSorted((left, right) => left.shard - right.shard);
  }

  /** Lists a tenant's batches. The index lags a little behind the records: show the list, never decide by it. */
  async *listBatches(tenant: string, request: BatchListRequest): AsyncGenerator<BatchRecord> {
    const { order, after, pageItems, createdAfter = null, createdBefore = null } = request;
    const items = this.#table.queryTenant({
      created: { from: createdAfter, before: createdBefore },
      tenantKey: `${tenant}#batch`,
      order,
      pageItems,
      after: after ? { ...batchRecordKey(after.id), createdKey: createdKey(after) } : undefined,
    });
    for await (const item of items) yield batchRecordSchema.parse(item);
  }

  async createFile(file: FileRecord): Promise<void> {
    await this.#table.putNew(fileRecordKey(file.id), file, fileIndexKeys(file));
  }

  /** @returns null if there is no such record. */
  async findFile(fileId: string): Promise<FileRecord | null> {
    return this.#table.get(fileRecordKey(fileId), fileRecordSchema);
  }

  /** @throws NotFoundError */
  async getFile(fileId: string): Promise<FileRecord> {
    const file = await this.findFile(fileId);
    if (!file) throw new NotFoundError(`No such File object: ${fileId}`);
    return file;
  }

  async updateFile(fileId: string, change: (file: FileRecord) => FileRecord): Promise<FileRecord> {
    return this.#table.update(fileRecordKey(fileId), {
      read: () => this.getFile(fileId),
      change,
      indexKeys: fileIndexKeys,
    });
  }

  async deleteFile(fileId: string): Promise<void> {
    await this.#table.delete(fileRecordKey(fileId));
  }

  /** Keeps for a day where a file stood in its tenant's list, for a client that deletes files while it reads the list. */
  async keepFilePlace({ id, tenant, createdAt, createdAtMs }: FileRecord, nowSeconds: number): Promise<void> {
    const expiresAt = nowSeconds + placeSeconds;
    await this.#table.putNew(deletedFileKey(id), { id, tenant, createdAt, createdAtMs, version: 0, expiresAt });
  }

  /** Finds where a file stands in its tenant's list, or stood until it was deleted. */
  async findFilePlace(fileId: string): Promise<FilePlace | null> {
    return (await this.findFile(fileId)) ?? (await this.#table.get(deletedFileKey(fileId), filePlaceSchema));
  }

  /** Lists a tenant's files, with expired ones until DynamoDB removes them. The index lags a little behind. */
  async *listFiles(tenant: string, { order, after, pageItems }: ListRequest): AsyncGenerator<FileRecord> {
    const items = this.#table.queryTenant({
      tenantKey: `${tenant}#file`,
      order,
      pageItems,
      after: after ? { ...fileRecordKey(after.id), createdKey: createdKey(after) } : undefined,
    });
    for await (const item of items) yield fileRecordSchema.parse(item);
  }

  /**
   * Records that a provider's batch belongs to a shard, so that no other shard adopts it.
   *
   * @returns false if it belongs to another shard.
   */
  async claimProviderBatch(provider: string, providerBatchId: string, owner: string): Promise<boolean> {
    const key = claimKey(provider, providerBatchId);
    if (await this.#table.putNew(key, { owner, version: 0 })) return true;
    return (await this.#claimOwner(key)) === owner;
  }

  /** @returns the shard that the provider's batch belongs to, or null. */
  async providerBatchOwner(provider: string, providerBatchId: string): Promise<string | null> {
    return this.#claimOwner(claimKey(provider, providerBatchId));
  }

  async #claimOwner(key: Key): Promise<string | null> {
    return (await this.#table.get(key, claimSchema))?.owner ?? null;
  }

  /** Lists batches for which something is left to do, oldest first. The index lags a little behind. */
  async *unfinishedBatchIds(): AsyncGenerator<string> {
    const items = this.#table.query({
      IndexName: table.indexes.unfinished.name,
      KeyConditionExpression: 'unfinishedKey = :unfinished',
      ExpressionAttributeValues: { ':unfinished': unfinished },
    });
    for await (const item of items) yield String(item.pk).slice('batch#'.length);
  }
}

/** How long one may go on behind a deleted file. */
const placeSeconds = 24 * 3_600;

const filePlaceSchema = fileRecordSchema.pick({ id: true, tenant: true, createdAt: true, createdAtMs: true });
type FilePlace = z.infer<typeof filePlaceSchema>;

const claimSchema = z.object({ owner: z.string() });

const unfinished = 'unfinished';

function batchRecordKey(batchId: string): Key {
  return { pk: `batch#${batchId}`, sk: 'batch' };
}

function shardRecordKey(name: ShardName): Key {
  return { pk: `batch#${name.batchId}`, sk: `shard#${name.set}#${String(name.shard).padStart(6, '0')}` };
}

function fileRecordKey(fileId: string): Key {
  return { pk: `file#${fileId}`, sk: 'file' };
}

function deletedFileKey(fileId: string): Key {
  return { pk: `file#${fileId}`, sk: 'deleted' };
}

function claimKey(provider: string, providerBatchId: string): Key {
  return { pk: `claim#${provider}#${providerBatchId}`, sk: 'claim' };
}

function batchIndexKeys(batch: BatchRecord): IndexKeys {
  const keys = { tenantKey: `${batch.tenant}#batch`, createdKey: createdKey(batch) };
  return isSettled(batch) ? keys : { ...keys, unfinishedKey: unfinished };
}

function fileIndexKeys(file: FileRecord): IndexKeys {
  return { tenantKey: `${file.tenant}#file`, createdKey: createdKey(file) };
}
