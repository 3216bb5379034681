import { z } from 'zod';
import type { Key, RecordTable } from './record-table.ts';

/** The requests that wait at one account for one model. */
export interface TokenQueue {
  provider: string;
  model: string;
}

const slotsSchema = z.object({ owners: z.set(z.string()).default(new Set()) });
const tokensSchema = z.object({ holders: z.record(z.string(), z.number()) });
const createsSchema = z.object({ creates: z.number() });

/**
 * Counters that all batches of a deployment share for a provider's account: its slots for open batches, its creates per
 * hour, and the tokens that wait there. Each is one item that changes by atomic, conditional updates, so that thousands
 * of submits need no lock.
 */
export class Semaphores {
  readonly #table: RecordTable;

  constructor(table: RecordTable) {
    this.#table = table;
  }

  /** @returns false if others hold all slots. */
  async acquireSlot(provider: string, owner: string, slots: number): Promise<boolean> {
    return this.#table.updateIf(slotsKey(provider), {
      UpdateExpression: 'ADD owners :owners',
      ConditionExpression: 'attribute_not_exists(owners) OR contains(owners, :owner) OR size(owners) < :slots',
      ExpressionAttributeValues: { ':owners': new Set([owner]), ':owner': owner, ':slots': slots },
    });
  }

  async releaseSlot(provider: string, owner: string): Promise<void> {
    await this.#table.updateIf(slotsKey(provider), {
      UpdateExpression: 'DELETE owners :owners',
      ConditionExpression: 'contains(owners, :owner)',
      ExpressionAttributeValues: { ':owners': new Set([owner]), ':owner': owner },
    });
  }

  /** Lists who holds a slot. */
  async slotHolders(provider: string): Promise<string[]> {
    const found = await this.#table.get(slotsKey(provider), slotsSchema);
    return [...(found?.owners ?? [])];
  }

  /**
   * Adds a shard's tokens to those of its queue. A shard with more than the limit gets in only if the queue is empty, and
   * the provider then decides about it.
   *
   * @returns false if the tokens of others leave no room.
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

  /** @param tokens as many as were acquired. */
  async releaseTokens(queue: TokenQueue, owner: string, tokens: number): Promise<void> {
    await this.#table.updateIf(tokensKey(queue), {
      UpdateExpression: 'REMOVE holders.#owner ADD enqueued :less',
      ConditionExpression: 'holders.#owner = :tokens',
      ExpressionAttributeNames: { '#owner': owner },
      ExpressionAttributeValues: { ':tokens': tokens, ':less': -tokens },
    });
  }

  /** Says who holds tokens, and how many. */
  async tokenHolders(queue: TokenQueue): Promise<Map<string, number>> {
    const found = await this.#table.get(tokensKey(queue), tokensSchema);
    return new Map(Object.entries(found?.holders ?? {}));
  }

  /** The queues of an account in which tokens wait. */
  async tokenQueues(provider: string): Promise<{ model: string; tokens: number; holders: number }[]> {
    const prefix = tokensKey({ provider, model: '' });
    const items = this.#table.query({
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
      ExpressionAttributeValues: { ':pk': prefix.pk, ':sk': prefix.sk },
    });
    const queues: { model: string; tokens: number; holders: number }[] = [];
    for await (const item of items) {
      const counts = Object.values(tokensSchema.parse(item).holders);
      const tokens = counts.reduce((sum, count) => sum + count, 0);
      if (counts.length > 0)
        queues.push({ model: String(item.sk).slice(prefix.sk.length), tokens, holders: counts.length });
    }
    return queues;
  }

  /** Counts the creates of this hour so far. */
  async createsOfHour(provider: string, nowMs: number): Promise<number> {
    return (await this.#table.get(createsKey(provider, nowMs), createsSchema))?.creates ?? 0;
  }

  /** @returns false if this hour's creates are used up. */
  async countCreate(provider: string, nowMs: number, createsPerHour: number): Promise<boolean> {
    return this.#table.updateIf(createsKey(provider, nowMs), {
      UpdateExpression: 'ADD creates :one SET expiresAt = :expiresAt',
      ConditionExpression: 'attribute_not_exists(creates) OR creates < :limit',
      ExpressionAttributeValues: {
        ':one': 1,
        ':limit': createsPerHour,
        ':expiresAt': (Math.floor(nowMs / hourMs) + 2) * 3_600,
      },
    });
  }

  /** For a create that was counted and not made. */
  async uncountCreate(provider: string, nowMs: number): Promise<void> {
    await this.#table.updateIf(createsKey(provider, nowMs), {
      UpdateExpression: 'ADD creates :less',
      ConditionExpression: 'creates > :zero',
      ExpressionAttributeValues: { ':less': -1, ':zero': 0 },
    });
  }
}

export const hourMs = 3_600_000;

function tokensKey({ provider, model }: TokenQueue): Key {
  return { pk: `gate#${provider}`, sk: `tokens#${model}` };
}

function createsKey(provider: string, nowMs: number): Key {
  return { pk: `gate#${provider}`, sk: `creates#${Math.floor(nowMs / hourMs)}` };
}

function slotsKey(provider: string): Key {
  return { pk: `gate#${provider}`, sk: 'places' };
}
