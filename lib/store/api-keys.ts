import { type ApiKeyRecord, apiKeyRecordSchema } from '../records/api-key.ts';
import { NotFoundError } from '../records/errors.ts';
import { createdKey, type IndexKeys, type Key, type RecordTable } from './record-table.ts';

/** API keys in DynamoDB, found by their digest. */
export class ApiKeys {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  async create(key: ApiKeyRecord): Promise<void> {
    await this.#table.putNew(recordKey(key.hash), key, indexKeys(key));
  }

  /** @returns null if no key has this digest. */
  async find(hash: string): Promise<ApiKeyRecord | null> {
    return this.#table.get(recordKey(hash), apiKeyRecordSchema);
  }

  async update(hash: string, change: (key: ApiKeyRecord) => ApiKeyRecord): Promise<ApiKeyRecord> {
    return this.#table.update(recordKey(hash), { read: () => this.#get(hash), change, indexKeys });
  }

  /** Lists a tenant's keys, newest first. The index lags a little behind the records. */
  async *list(tenant: string): AsyncGenerator<ApiKeyRecord> {
    for await (const item of this.#table.queryTenant({ tenantKey: `${tenant}#key`, order: 'desc' }))
      yield apiKeyRecordSchema.parse(item);
  }

  async #get(hash: string): Promise<ApiKeyRecord> {
    const key = await this.find(hash);
    if (!key) throw new NotFoundError('There is no such key.');
    return key;
  }
}

function recordKey(hash: string): Key {
  return { pk: `key#${hash}`, sk: 'key' };
}

function indexKeys(key: ApiKeyRecord): IndexKeys {
  return { tenantKey: `${key.tenant}#key`, createdKey: createdKey(key) };
}
