import { table } from '../records/table.ts';
import { type UsageRecord, usageRecordSchema } from '../records/usage-record.ts';
import type { IndexKeys, Key, RecordTable } from './record-table.ts';

export interface UsageQuery {
  /** Null for all tenants. */
  tenant: string | null;
  /** Days in UTC, both included. */
  from: string;
  to: string;
  /** The record after which the list goes on. */
  after: UsagePlace | null;
  pageItems: number;
}

/** Where a record stands. */
export type UsagePlace = Pick<UsageRecord, 'tenant' | 'day' | 'batchId'>;

/** What ended batches have used, in DynamoDB. */
export class UsageRecords {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** Writes a batch's record, unless there is one. */
  async create(record: UsageRecord): Promise<void> {
    await this.#table.putNew(recordKey(record), record, indexKeys(record));
  }

  /** Writes a batch's record over the one that there is, for answers that were found later. */
  async replace(record: UsageRecord): Promise<void> {
    const key = recordKey(record);
    if (await this.#table.putNew(key, record, indexKeys(record))) return;
    await this.#table.update(key, {
      read: async () => (await this.#table.get(key, usageRecordSchema)) ?? record,
      change: ({ version }) => ({ ...record, version }),
      indexKeys,
    });
  }

  /** Lists records by day. The index of all tenants lags a little behind. */
  async *list(query: UsageQuery): AsyncGenerator<UsageRecord> {
    const items = query.tenant === null ? this.#ofAll(query) : this.#ofTenant(query, query.tenant);
    for await (const item of items) yield usageRecordSchema.parse(item);
  }

  #ofTenant({ from, to, after, pageItems }: UsageQuery, tenant: string) {
    return this.#table.query({
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':pk': partitionOf(tenant), ':from': from, ':to': endOf(to) },
      Limit: pageItems,
      ...(after && { ExclusiveStartKey: recordKey(after) }),
    });
  }

  #ofAll({ from, to, after, pageItems }: UsageQuery) {
    return this.#table.query({
      IndexName: table.indexes.byTenant.name,
      KeyConditionExpression: 'tenantKey = :all AND createdKey BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':all': allTenants, ':from': from, ':to': endOf(to) },
      Limit: pageItems,
      ...(after && { ExclusiveStartKey: { ...recordKey(after), ...indexKeys(after) } }),
    });
  }
}

/** No tenant's name. */
const allTenants = '*#usage';

function partitionOf(tenant: string): string {
  return `usage#${tenant}`;
}

function recordKey({ tenant, day, batchId }: UsagePlace): Key {
  return { pk: partitionOf(tenant), sk: `${day}#${batchId}` };
}

function indexKeys({ tenant, day, batchId }: UsagePlace): IndexKeys {
  return { tenantKey: allTenants, createdKey: `${day}#${tenant}#${batchId}` };
}

/** Behind every record of a day. */
function endOf(day: string): string {
  return `${day}#~`;
}
