import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type Observe, unobserved } from './observe.ts';

/**
 * What all batches of a deployment share of a provider's account: its places for open batches, and its creates per
 * hour. Each is one item that changes by conditional, atomic updates, so that thousands of submits do not meet.
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

function placesKey(provider: string): { pk: string; sk: string } {
  return { pk: `gate#${provider}`, sk: 'places' };
}
