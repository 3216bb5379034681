import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { type Observe, unobserved } from './observe.ts';

/** Requests that wait at one account for one model. */
export interface TokenQueue {
  provider: string;
  model: string;
}

const holdersSchema = z.record(z.string(), z.number());

/**
 * What all batches of a deployment share of a provider's account: its places for open batches, its creates per
 * hour, and the tokens that wait there. Each is one item that changes by conditional, atomic updates, so that thousands of submits do not meet.
 */
export class Gates {
  readonly #client: DynamoDBDocumentClient;
  readonly #tableName: string;

  constructor(client: DynamoDBClient, tableName: string) {
    this.#client = DynamoDBDocumentClient.from(client);
    this.#tableName = tableName;
  }

  static connect(tableName: string, observe: Observe = unobserved): Gates {
    return new Gates(observe(new DynamoDBClient()), tableName);
  }

  /** @returns false where all places are taken by others. */
  async takePlace(provider: string, owner: string, places: number): Promise<boolean> {
    return this.#tryUpdate(placesKey(provider), {
      UpdateExpression: 'ADD owners :owners',
      ConditionExpression: 'attribute_not_exists(owners) OR contains(owners, :owner) OR size(owners) < :places',
      ExpressionAttributeValues: { ':owners': new Set([owner]), ':owner': owner, ':places': places },
    });
  }

  async leavePlace(provider: string, owner: string): Promise<void> {
    await this.#tryUpdate(placesKey(provider), {
      UpdateExpression: 'DELETE owners :owners',
      ConditionExpression: 'contains(owners, :owner)',
      ExpressionAttributeValues: { ':owners': new Set([owner]), ':owner': owner },
    });
  }

  /** Who has a place. */
  async owners(provider: string): Promise<string[]> {
    const key = placesKey(provider);
    const found = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: key, ConsistentRead: true }),
    );
    return found.Item?.owners instanceof Set ? [...found.Item.owners].map(String) : [];
  }

  /**
   * Counts a shard's tokens among those of its queue. More than the limit pass only alone, for the provider to judge.
   *
   * @returns false where the tokens of others leave no room.
   */
  async takeTokens(queue: TokenQueue, owner: string, tokens: number, limit: number): Promise<boolean> {
    const key = tokensKey(queue);
    await this.#tryUpdate(key, {
      UpdateExpression: 'SET holders = :none, enqueued = :zero',
      ConditionExpression: 'attribute_not_exists(holders)',
      ExpressionAttributeValues: { ':none': {}, ':zero': 0 },
    });
    const isTaken = await this.#tryUpdate(key, {
      UpdateExpression: 'SET holders.#owner = :tokens ADD enqueued :tokens',
      ConditionExpression: 'attribute_not_exists(holders.#owner) AND enqueued <= :room',
      ExpressionAttributeNames: { '#owner': owner },
      ExpressionAttributeValues: { ':tokens': tokens, ':room': Math.max(0, limit - tokens) },
    });
    // The SDK's own repetition of an update that had gone through is refused too.
    return isTaken || (await this.tokenHolders(queue)).has(owner);
  }

  /** @param tokens as they were taken. */
  async leaveTokens(queue: TokenQueue, owner: string, tokens: number): Promise<void> {
    await this.#tryUpdate(tokensKey(queue), {
      UpdateExpression: 'REMOVE holders.#owner ADD enqueued :less',
      ConditionExpression: 'holders.#owner = :tokens',
      ExpressionAttributeNames: { '#owner': owner },
      ExpressionAttributeValues: { ':tokens': tokens, ':less': -tokens },
    });
  }

  /** Whose tokens are counted, and how many. */
  async tokenHolders(queue: TokenQueue): Promise<Map<string, number>> {
    const found = await this.#client.send(
      new GetCommand({ TableName: this.#tableName, Key: tokensKey(queue), ConsistentRead: true }),
    );
    return new Map(Object.entries(holdersSchema.parse(found.Item?.holders ?? {})));
  }

  /** @returns false where this hour's creates are used up. */
  async countCreate(provider: string, nowMs: number, createsPerHour: number): Promise<boolean> {
    const hour = Math.floor(nowMs / hourMs);
    return this.#tryUpdate(
      { pk: `gate#${provider}`, sk: `creates#${hour}` },
      {
        UpdateExpression: 'ADD creates :one SET expiresAt = :expiresAt',
        ConditionExpression: 'attribute_not_exists(creates) OR creates < :limit',
        ExpressionAttributeValues: { ':one': 1, ':limit': createsPerHour, ':expiresAt': (hour + 2) * 3_600 },
      },
    );
  }

  async #tryUpdate(
    key: { pk: string; sk: string },
    update: {
      UpdateExpression: string;
      ConditionExpression: string;
      ExpressionAttributeNames?: Record<string, string>;
      ExpressionAttributeValues: Record<string, unknown>;
    },
  ): Promise<boolean> {
    try {
      await this.#client.send(new UpdateCommand({ TableName: this.#tableName, Key: key, ...update }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

export const hourMs = 3_600_000;

function tokensKey({ provider, model }: TokenQueue): { pk: string; sk: string } {
  return { pk: `gate#${provider}`, sk: `tokens#${model}` };
}

function placesKey(provider: string): { pk: string; sk: string } {
  return { pk: `gate#${provider}`, sk: 'places' };
}
