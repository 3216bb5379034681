import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  HeadBucketCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';

/** A rule on the default event bus. */
export interface EventRule {
  name: string;
  isEnabled: boolean;
  /** The event pattern as JSON; null for a schedule. */
  pattern: string | null;
  schedule: string | null;
}

/** Reads which resources of a deployment exist and how they are set up. Every method may throw the SDK's errors. */
export class Deployment {
  readonly #s3: S3Client;
  readonly #dynamodb = new DynamoDBClient();
  readonly #stepFunctions = new SFNClient();
  readonly #eventBridge = new EventBridgeClient();
  readonly #lambda = new LambdaClient();
  readonly bucket: string;
  readonly table: string;
  readonly stateMachineArn: string;

  constructor(names: { bucket: string; table: string; stateMachineArn: string; isLocal: boolean }) {
    this.#s3 = new S3Client({ forcePathStyle: names.isLocal });
    this.bucket = names.bucket;
    this.table = names.table;
    this.stateMachineArn = names.stateMachineArn;
  }

  /** @throws if the bucket does not exist or belongs to another account. */
  async reachBucket(): Promise<void> {
    await this.#s3.send(new HeadBucketCommand({ Bucket: this.bucket }));
  }

  async sendsEventsToEventBridge(): Promise<boolean> {
    const found = await this.#s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: this.bucket }));
    return found.EventBridgeConfiguration !== undefined;
  }

  /** Says after how many days the objects of a folder expire; null if they never do. */
  async expirationDays(folder: string): Promise<number | null> {
    const rules = await this.#lifecycleRules();
    const days = rules
      .filter((rule) => rule.Status === 'Enabled' && folder.startsWith(rule.Filter?.Prefix ?? rule.Prefix ?? ''))
      .flatMap((rule) => rule.Expiration?.Days ?? []);
    return days.length > 0 ? Math.min(...days) : null;
  }

  async #lifecycleRules() {
    try {
      const found = await this.#s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: this.bucket }));
      return found.Rules ?? [];
    } catch (error) {
      if (error instanceof S3ServiceException && error.name === 'NoSuchLifecycleConfiguration') return [];
      throw error;
    }
  }

  /** @returns the table's status and the names of its indexes. */
  async describeTable(): Promise<{ status: string; indexes: string[] }> {
    const { Table: found } = await this.#dynamodb.send(new DescribeTableCommand({ TableName: this.table }));
    const indexes = (found?.GlobalSecondaryIndexes ?? []).flatMap((index) => index.IndexName ?? []);
    return { status: found?.TableStatus ?? 'unknown', indexes };
  }

  async stateMachineStatus(): Promise<string> {
    const found = await this.#stepFunctions.send(
      new DescribeStateMachineCommand({ stateMachineArn: this.stateMachineArn }),
    );
    return found.status ?? 'unknown';
  }

  /** Lists the stack's rules. Their names begin with the stack's name, which the state machine bears too. */
  async rules(): Promise<EventRule[]> {
    const prefix = this.stateMachineArn.split(':').at(-1) ?? '';
    const found = await this.#eventBridge.send(new ListRulesCommand({ NamePrefix: prefix }));
    return (found.Rules ?? []).map((rule) => ({
      name: rule.Name ?? '',
      isEnabled: rule.State === 'ENABLED',
      pattern: rule.EventPattern ?? null,
      schedule: rule.ScheduleExpression ?? null,
    }));
  }

  /** Says how many functions the account may run at a time in all; null if AWS does not say. */
  async functionConcurrency(): Promise<number | null> {
    const found = await this.#lambda.send(new GetAccountSettingsCommand({}));
    return found.AccountLimit?.ConcurrentExecutions ?? null;
  }
}
