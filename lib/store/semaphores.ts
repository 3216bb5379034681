import { z } from 'zod';
import type { Key, RecordTable } from './record-table.ts';

/** Requests that wait at one account for one model. */
export interface TokenQueue {
  provider: string;
  model: string;
}

const slotsSchema = z.object({ owners: z.set(z.string()).default(new Set()) });
const tokensSchema = z.object({ holders: z.record(z.string(), z.number()) });

/**
 * What all batches of a deployment share of a provider's account: its places for open batches, its creates per
 * hour, and the tokens that wait there. Each is one item that changes by conditional, atomic updates, so that thousands of submits do not meet.
 */
export class Semaphores {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** @returns false where all places are taken by others. */
  async acquireSlot(provider: string, owner: string, places: number): Promise<boolean> {
    return this.#table.updateIf(slotsKey(provider), {
      UpdateExpression: 'ADD owners :owners',
      ConditionExpression: 'attribute_not_exists(owners) OR contains(owners, :owner) OR size(owners) < :places',
      ExpressionAttributeValues: { ':owners': new Set([owner]), ':owner': owner, ':places': places },
    });
  }

  async releaseSlot(provider: string, owner: string): Promise<void> {
    await this.#table.updateIf(slotsKey(provider), {
      UpdateExpression: 'DELETE owners :owners',
      ConditionExpression: 'contains(owners, :owner)',
      ExpressionAttributeValues: { ':owners': new Set([owner]), ':owner': owner },
    });
  }

  /** Who has a place. */
  async slotHolders(provider: string): Promise<string[]> {
    const found = await this.#table.get(slotsKey(provider), slotsSchema);
    return [...(found?.owners ?? [])];
  }

  /**
   * Counts a shard's tokens among those of its queue. More than the limit pass only alone, for the provider to judge.
   *
   * @returns false where the tokens of others leave no room.
   */
  async acquireTokens(queue: TokenQueue, owner: string, tokens: number, limit: number): Promise<boolean> {
    const key = tokensKey(queue);
    await this.#table.updateIf(key, {
      UpdateExpression: 'SET holders = :none, enqueued = :zero',
      ConditionExpression: 'attribute_not_exists(holders)',
      ExpressionAttributeValues: { ':none': {}, ':zero': 0 },
    });
    const isTaken = await this.#table.updateIf(key, {
      UpdateExpression: 'SET holders.#owner = :tokens ADD enqueued :tokens',
      ConditionExpression: 'attribute_not_exists(holders.#owner) AND enqueued <= :room',
      ExpressionAttributeNames: { '#owner': owner },
      ExpressionAttributeValues: { ':tokens': tokens, ':room': Math.max(0, limit - tokens) },
    });
    // The SDK's own repetition of an update that had gone through is refused too.
    return isTaken || (await this.tokenHolders(queue)).has(owner);
  }

  /** @param tokens as they were taken. */
  async releaseTokens(queue: TokenQueue, owner: string, tokens: number): Promise<void> {
    await this.#table.updateIf(tokensKey(queue), {
      UpdateExpression: 'REMOVE holders.#owner ADD enqueued :less',
      ConditionExpression: 'holders.#owner = :tokens',
      ExpressionAttributeNames: { '#owner': owner },
      ExpressionAttributeValues: { ':tokens': tokens, ':less': -tokens },
    });
  }

  /** Whose tokens are counted, and how many. */
  async tokenHolders(queue: TokenQueue): Promise<Map<string, number>> {
    const found = await this.#table.get(tokensKey(queue), tokensSchema);
    return new Map(Object.entries(found?.holders ?? {}));
  }

  /** @returns false where this hour's creates are used up. */
  async countCreate(provider: string, nowMs: number, createsPerHour: number): Promise<boolean> {
    const hour = Math.floor(nowMs / hourMs);
    return this.#table.updateIf(
      { pk: `gate#${provider}`, sk: `creates#${hour}` },
      {
        UpdateExpression: 'ADD creates :one SET expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(creates) OR creates < :limit',
        ExpressionAttributeValues: { ':one': 1, ':limit': createsPerHour, ':expiresAt': (hour + 2) * 3_600 },
      },
    );
  }
}

export const hourMs = 3_600_000;

function tokensKey({ provider, model }: TokenQueue): Key {
  return { pk: `gate#${provider}`, sk: `tokens#${model}` };
}

function slotsKey(provider: string): Key {
  return { pk: `gate#${provider}`, sk: 'places' };
}
