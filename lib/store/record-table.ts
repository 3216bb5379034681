import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConditionalCheckFailedException, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  type QueryCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { z } from 'zod';
import { InvalidInputError, WriteConflictError } from '../records/errors.ts';
import { table } from '../records/table.ts';
import { type Observe, unobserved } from './observe.ts';

/** How often a write is tried while others write the same record. After that the whole step is repeated. */
const maxWriteTries = 12;

export interface Key {
  pk: string;
  sk: string;
}

/** The attributes that put a record into the indexes. */
export type IndexKeys = Partial<Record<'tenantKey' | 'createdKey' | 'unfinishedKey', string>>;

/** A member may be called `constructor`, which makes an object look like one of a class. */
const marshallOptions = { removeUndefinedValues: true, convertClassInstanceToMap: true };

/** Bytes of one item. Source: DynamoDB's quotas, read 2026-11. As JSON a record takes more than there. */
const maxItemBytes = 400 * 1024;

interface Versioned {
  version: number;
}

interface RecordUpdate<Item> {
  read: () => Promise<Item>;
  /** A pure function. If it returns its argument, nothing is written. */
  change: (record: Item) => Item;
  indexKeys?: (record: Item) => IndexKeys;
}

/** A change that DynamoDB makes by itself, where its condition holds. */
type ConditionalUpdate = Pick<UpdateCommandInput, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'> &
  Required<Pick<UpdateCommandInput, 'UpdateExpression' | 'ConditionExpression'>>;

/**
 * The table, item by item, by one client for all stores. A record's write is conditional on the version that was read,
 * so a change is a pure function of the record and is applied again where somebody else was faster.
 */
export class RecordTable {
  readonly #client: DynamoDBDocumentClient;
  readonly #tableName: string;

  constructor(client: DynamoDBClient, tableName: string) {
    this.#client = DynamoDBDocumentClient.from(client, { marshallOptions });
    this.#tableName = tableName;
  }

  static connect(tableName: string, observe: Observe = unobserved): RecordTable {
    return new RecordTable(observe(new DynamoDBClient()), tableName);
  }

  /** When the table was made, in Unix seconds. */
  async createdAtSeconds(): Promise<number> {
    const found = await this.#client.send(new DescribeTableCommand({ TableName: this.#tableName }));
    return Math.floor((found.Table?.CreationDateTime?.getTime() ?? 0) / 1_000);
  }

  /** @returns null if there is no such record. */
  async get<Schema extends z.ZodType>(key: Key, schema: Schema): Promise<z.output<Schema> | null> {
    const item = await this.#read(key);
    return item ? schema.parse(item) : null;
  }

  /** @returns false if there is a record of that key already. */
  async putNew(key: Key, record: object, indexKeys: IndexKeys = {}): Promise<boolean> {
    return this.#putIf(key, { ...record, ...indexKeys }, { ConditionExpression: 'attribute_not_exists(pk)' });
  }

  /** @returns false if the record there has another version than the given one. */
  async replace(key: Key, record: object, version: number): Promise<boolean> {
    return this.#putIf(key, record, {
      ConditionExpression: 'version = :version',
      ExpressionAttributeValues: { ':version': version },
    });
  }

  /** @throws WriteConflictError if others were faster every time. */
  async update<Item extends Versioned>(
    key: Key,
    { read, change, indexKeys = () => ({}) }: RecordUpdate<Item>,
  ): Promise<Item> {
    for (let tries = 0; tries < maxWriteTries; tries += 1) {
      const before = await read();
      const changed = change(before);
      if (changed === before) return before;
      const after = { ...changed, version: before.version + 1 };
      if (await this.replace(key, { ...after, ...indexKeys(after) }, before.version)) return after;
      await sleep(Math.random() * 20 * 2 ** Math.min(tries, 5));
    }
    throw new WriteConflictError(
      `The record ${key.pk} ${key.sk} was changed by others ${maxWriteTries} times in a row.`,
    );
  }

  /** @returns false if the item does not meet the condition. */
  async updateIf(key: Key, update: ConditionalUpdate): Promise<boolean> {
    try {
      await this.#client.send(new UpdateCommand({ TableName: this.#tableName, Key: key, ...update }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  async delete(key: Key): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#tableName, Key: key }));
  }

  /** Yields all items of a query, page by page. */
  async *query(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Record<string, unknown>> {
    const pages = paginateQuery({ client: this.#client }, { ...input, TableName: this.#tableName });
    for await (const page of pages) yield* page.Items ?? [];
  }

  /** Yields a tenant's records of one kind by time of creation. The index lags a little behind the records. */
  async *queryTenant(list: TenantList): AsyncGenerator<Record<string, unknown>> {
    const { tenantKey, order, pageItems } = list;
    const { from, to } = createdKeysOf(list.created);
    // DynamoDB refuses to begin outside of the keys that it is asked for.
    const [isBefore, isBehind] = [list.after && list.after.createdKey < from, list.after && list.after.createdKey > to];
    if (order === 'asc' ? isBehind : isBefore) return;
    const after = isBefore || isBehind ? undefined : list.after;
    yield* this.query({
      IndexName: table.indexes.byTenant.name,
      KeyConditionExpression: 'tenantKey = :tenant AND createdKey BETWEEN :from AND :to',
      ExpressionAttributeValues: { ':tenant': tenantKey, ':from': from, ':to': to },
      ScanIndexForward: order === 'asc',
      ...(pageItems !== undefined && { Limit: pageItems }),
      ...(after && { ExclusiveStartKey: { ...after, tenantKey } }),
    });
  }

  async #putIf(
    key: Key,
    item: object,
    condition: { ConditionExpression: string; ExpressionAttributeValues?: Record<string, unknown> },
  ): Promise<boolean> {
    assertFits(key, item);
    const stamp = randomUUID();
    try {
      await this.#client.send(
        new PutCommand({ TableName: this.#tableName, Item: { ...item, ...key, stamp }, ...condition }),
      );
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return (await this.#read(key))?.stamp === stamp; // the SDK's own repetition of a write that had gone through
    }
  }

  async #read(key: Key): Promise<Record<string, unknown> | undefined> {
    const found = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return found.Item;
  }
}

function assertFits({ pk, sk }: Key, item: object): void {
  const bytes = Buffer.byteLength(JSON.stringify(item));
  if (bytes <= maxItemBytes) return;
  const message = `The record ${pk} ${sk} takes ${bytes} bytes; at most ${maxItemBytes} can be stored.`;
  throw new InvalidInputError('record_too_large', message);
}

/** Which of a tenant's records to list. */
export interface TenantList {
  /** `<tenant>#batch`, `<tenant>#file`, ... */
  tenantKey: string;
  order: 'asc' | 'desc';
  /** The record after which the list goes on. */
  after?: (Key & { createdKey: string }) | undefined;
  /** How many items are read at a time. */
  pageItems?: number;
  /** Unix seconds: those that were made from one time on, and before another; null leaves all. */
  created?: { from: number | null; before: number | null };
}

/** All keys of the index lie between these. */
function createdKeysOf({ from, before }: NonNullable<TenantList['created']> = { from: null, before: null }) {
  return { from: secondsKey(from ?? 0), to: before === null ? '~' : secondsKey(before) };
}

/** Stands before the key of every record of that second, and behind those of the second before. */
function secondsKey(seconds: number): string {
  return String(seconds).padStart(12, '0');
}

/** When a record was made, and which. */
export interface Creation {
  id: string;
  /** Unix seconds. */
  createdAt: number;
  createdAtMs?: number | undefined;
}

/**
 * Builds the sort key of the indexes: by time of creation, and by id within one millisecond, or within one second for records
 * without milliseconds, which stand before the others of their second.
 */
export function createdKey({ id, createdAt, createdAtMs }: Creation): string {
  const fraction = createdAtMs === undefined ? '' : `.${String(createdAtMs % 1_000).padStart(3, '0')}`;
  return `${secondsKey(createdAt)}${fraction}#${id}`;
}
