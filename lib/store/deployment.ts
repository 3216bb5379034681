import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeRuleCommand, EventBridgeClient, ListRuleNamesByTargetCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { GetAccountSettingsCommand, GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  type LifecycleRule,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { inboxListeners } from './inbox-listeners.ts';

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
  readonly #iam = new IAMClient();
  readonly #secrets = new SecretsManagerClient();
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
    const days = rules.filter((rule) => isForAllOf(folder, rule)).flatMap((rule) => rule.Expiration?.Days ?? []);
    return days.length > 0 ? Math.min(...days) : null;
  }

  async #lifecycleRules() {
    const found = await orNullIf('NoSuchLifecycleConfiguration', () =>
      this.#s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: this.bucket })),
    );
    return (found?.Rules ?? []).filter((rule) => rule.Status === 'Enabled');
  }

  /** Says whether the bucket gives up multipart uploads that nobody finishes. */
  async abortsUnfinishedUploads(): Promise<boolean> {
    const rules = await this.#lifecycleRules();
    return rules.some((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation !== undefined);
  }

  /** Says whether objects that are deleted or expire in a folder stay as old versions for ever. */
  async keepsOldVersions(folder: string): Promise<boolean> {
    const versioning = await this.#s3.send(new GetBucketVersioningCommand({ Bucket: this.bucket }));
    if (versioning.Status === undefined) return false;
    const rules = await this.#lifecycleRules();
    return !rules.some(
      (rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays !== undefined && isForAllOf(folder, rule),
    );
  }

  /** The key of the owner's in KMS that the bucket encrypts with; null if S3 or AWS manages the key. */
  async encryptionKey(): Promise<string | null> {
    const found = await this.#s3.send(new GetBucketEncryptionCommand({ Bucket: this.bucket }));
    const defaults = found.ServerSideEncryptionConfiguration?.Rules?.map(
      (rule) => rule.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID,
    );
    return defaults?.find((key) => key !== undefined && !key.endsWith('alias/aws/s3')) ?? null;
  }

  /** Says whether web pages of every origin may read objects through links. */
  async isOpenToPages(): Promise<boolean> {
    const found = await orNullIf('NoSuchCORSConfiguration', () =>
      this.#s3.send(new GetBucketCorsCommand({ Bucket: this.bucket })),
    );
    return (found?.CORSRules ?? []).some(
      (rule) => rule.AllowedOrigins?.includes('*') && rule.AllowedMethods?.includes('GET'),
    );
  }

  /** The deployments that take what is dropped into the bucket. */
  async inboxListeners(): Promise<string[]> {
    return inboxListeners(this.bucket, this.#eventBridge);
  }

  /** The full ARN of a secret, with the six characters that AWS has appended to its name; null if there is no such secret. */
  async secretArn(name: string): Promise<string | null> {
    try {
      return (await this.#secrets.send(new DescribeSecretCommand({ SecretId: name }))).ARN ?? null;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return null;
      throw error;
    }
  }

  /** The ARN of a function's role. */
  async functionRole(functionName: string): Promise<string> {
    const found = await this.#lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
    return found.Role ?? '';
  }

  /**
   * Asks IAM whether a role's own policies, and those of the organization, would allow a call. Nothing is called, and policies of
   * buckets and keys are not looked at.
   *
   * @returns the actions that would be refused.
   */
  async refusedActions(
    role: string,
    needed: { actions: string[]; resource: string; context?: Record<string, string> },
  ): Promise<string[]> {
    const found = await this.#iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: role,
        ActionNames: needed.actions,
        ResourceArns: [needed.resource],
        ContextEntries: Object.entries(needed.context ?? {}).map(([name, value]) => ({
          ContextKeyName: name,
          ContextKeyType: 'string',
          ContextKeyValues: [value],
        })),
      }),
    );
    return (found.EvaluationResults ?? [])
      .filter((result) => result.EvalDecision !== 'allowed')
      .flatMap((result) => result.EvalActionName ?? []);
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

  /** Lists the rules that start a function of the deployment, wherever their names come from. */
  async rules(functionName: string): Promise<EventRule[]> {
    const found = await this.#eventBridge.send(
      new ListRuleNamesByTargetCommand({ TargetArn: this.#functionArn(functionName) }),
    );
    return Promise.all((found.RuleNames ?? []).map((name) => this.#rule(name)));
  }

  async #rule(name: string): Promise<EventRule> {
    const rule = await this.#eventBridge.send(new DescribeRuleCommand({ Name: name }));
    return {
      name,
      isEnabled: rule.State === 'ENABLED',
      pattern: rule.EventPattern ?? null,
      schedule: rule.ScheduleExpression ?? null,
    };
  }

  #functionArn(functionName: string): string {
    const [, partition, , region, account] = this.stateMachineArn.split(':');
    return `arn:${partition}:lambda:${region}:${account}:function:${functionName}`;
  }

  /** Says how many functions the account may run at a time in all; null if AWS does not say. */
  async functionConcurrency(): Promise<number | null> {
    const found = await this.#lambda.send(new GetAccountSettingsCommand({}));
    return found.AccountLimit?.ConcurrentExecutions ?? null;
  }
}

/** Whether a rule is for every object of a folder: not for those of another one, with a tag, or of a size. */
function isForAllOf(folder: string, { Filter: filter, Prefix: prefix = '' }: LifecycleRule): boolean {
  const { Prefix: ofFilter, ...others } = filter?.And ?? filter ?? {};
  return Object.keys(others).length === 0 && folder.startsWith(ofFilter ?? prefix);
}

/** S3 has an error of its own for each configuration that a bucket does not have. */
async function orNullIf<Answer>(name: string, ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === name) return null;
    throw error;
  }
}
