import { type Budget, budgetDollars, budgetSchema } from '../records/budget.ts';
import type { Key, RecordTable } from './record-table.ts';

/** A shard's wish to be sent. */
export interface BudgetRequest {
  batchId: string;
  round: number;
  /** `<set>/<shard>`. */
  owner: string;
  usd: number;
  /** What all sendings of the batch may cost together. */
  limitUsd: number;
}

/** What batches with a cap have spent and committed: one item for each, beside its record. */
export class Budgets {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** @returns null if nothing was counted for the batch yet. */
  async find(batchId: string): Promise<Budget | null> {
    return this.#table.get(budgetKey(batchId), budgetSchema);
  }

  /**
   * @param before as it was read; null if there was none.
   * @returns false if somebody else wrote it since.
   */
  async replace(batchId: string, before: Budget | null, after: Omit<Budget, 'version'>): Promise<boolean> {
    const key = budgetKey(batchId);
    if (!before) return this.#table.putNew(key, { ...after, version: 0 });
    return this.#table.replace(key, { ...after, version: before.version + 1 }, before.version);
  }

  /**
   * Adds a sending to what the batch has committed, if the sum stays within the limit: one atomic write.
   *
   * @returns false if it does not, if the shard has a reservation already, or if its round is not counted.
   */
  async reserve({ batchId, round, owner, usd, limitUsd }: BudgetRequest): Promise<boolean> {
    return this.#table.updateIf(budgetKey(batchId), {
      UpdateExpression: 'SET reservations.#owner = :usd ADD committedUsd :usd, version :one',
      ConditionExpression: 'round = :round AND attribute_not_exists(reservations.#owner) AND committedUsd <= :room',
      ExpressionAttributeNames: { '#owner': owner },
      ExpressionAttributeValues: {
        ':usd': budgetDollars(usd),
        ':one': 1,
        ':round': round,
        ':room': budgetDollars(limitUsd - usd),
      },
    });
  }
}

function budgetKey(batchId: string): Key {
  return { pk: `batch#${batchId}`, sk: 'budget' };
}
