import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ApiKeyRecord } from '../../lib/records/api-key.ts';
import type { BatchRecord } from '../../lib/records/batch.ts';
import type { FileRecord } from '../../lib/records/file.ts';
import { ApiKeys } from '../../lib/store/api-keys.ts';
import { RecordTable } from '../../lib/store/record-table.ts';
import { Records } from '../../lib/store/records.ts';

/** A store that costs nothing, so that what is left is the API's own work. */
export class MemoryRecords extends Records {
  readonly batches = new Map<string, BatchRecord>();
  readonly files = new Map<string, FileRecord>();

  constructor() {
    super(new RecordTable(new DynamoDBClient(), 'nowhere'));
  }

  override async createBatch(batch: BatchRecord): Promise<{ batch: BatchRecord; created: boolean }> {
    const standing = this.batches.get(batch.id);
    this.batches.set(batch.id, standing ?? batch);
    return { batch: standing ?? batch, created: !standing };
  }

  override async findBatch(batchId: string): Promise<BatchRecord | null> {
    return this.batches.get(batchId) ?? null;
  }

  override async createFile(file: FileRecord): Promise<void> {
    this.files.set(file.id, file);
  }

  override async findFile(fileId: string): Promise<FileRecord | null> {
    return this.files.get(fileId) ?? null;
  }
}

export class MemoryApiKeys extends ApiKeys {
  readonly #keys = new Map<string, ApiKeyRecord>();

  constructor() {
    super(new RecordTable(new DynamoDBClient(), 'nowhere'));
  }

  override async create(key: ApiKeyRecord): Promise<void> {
    this.#keys.set(key.hash, key);
  }

  override async find(hash: string): Promise<ApiKeyRecord | null> {
    return this.#keys.get(hash) ?? null;
  }
}
