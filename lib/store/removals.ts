import { type Removal, removalSchema } from '../records/removal.ts';
import { table } from '../records/table.ts';
import { createdKey, type IndexKeys, type Key, type RecordTable } from './record-table.ts';

/** Files whose bytes are to be removed, and when. A removal is stored before the bytes, and outlives the file's record. */
export class Removals {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** Stores a removal. If the file has one already, that one stays as it is. */
  async schedule(removal: Removal): Promise<void> {
    await this.#table.putNew(removalKey(removal.fileId), removal, indexKeys(removal));
  }

  /** Gives a removal that is stored another time. */
  async reschedule(removal: Removal, dueAt: number): Promise<void> {
    const key = removalKey(removal.fileId);
    const read = async () => (await this.#table.get(key, removalSchema)) ?? removal;
    await this.#table.update(key, { read, change: (current) => ({ ...current, dueAt }), indexKeys });
  }

  async delete(fileId: string): Promise<void> {
    await this.#table.delete(removalKey(fileId));
  }

  /** Yields the removals that are due, earliest first. The index lags a little behind the records. */
  async *due(nowSeconds: number): AsyncGenerator<Removal> {
    const found = this.#table.query({
      IndexName: table.indexes.unfinished.name,
      KeyConditionExpression: 'unfinishedKey = :removal AND createdKey < :now',
      ExpressionAttributeValues: { ':removal': unfinishedKey, ':now': createdKey({ id: '', createdAt: nowSeconds }) },
    });
    for await (const { pk } of found) {
      const removal = await this.#table.get(removalKey(String(pk).slice(prefix.length)), removalSchema);
      if (removal && removal.dueAt < nowSeconds) yield removal;
    }
  }
}

const unfinishedKey = 'removal';
const prefix = 'removal#';

function removalKey(fileId: string): Key {
  return { pk: `${prefix}${fileId}`, sk: 'removal' };
}

function indexKeys({ dueAt, fileId }: Removal): IndexKeys {
  return { unfinishedKey, createdKey: createdKey({ id: fileId, createdAt: dueAt }) };
}
