import { ArnFormat, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  HttpMethods,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Config } from '../../lib/providers/config.ts';
import type { DeploymentSettings } from '../../lib/records/deployment-settings.ts';
import { table as tableDesign } from '../../lib/records/table.ts';

/** Parts of an upload that nobody finished. Our own uploads take 15 minutes at most. */
const unfinishedUploadDays = 7;

/** A bucket as far as the stack uses it, be it its own or one that was there. */
type NamedBucket = Pick<IBucket, 'bucketName' | 'bucketArn' | 'arnForObjects'>;

/** A table likewise. */
type NamedTable = Pick<Table, 'tableName' | 'tableArn'>;

/** Where everything is kept: the bucket and the table. Both outlive the stack unless the settings say otherwise. */
export class Storage extends Construct {
  readonly bucket: NamedBucket;
  /** The key of the owner's that the bucket is encrypted with; null where S3 manages the keys. */
  readonly bucketKeyArn: string | null;
  readonly table: NamedTable;

  constructor(scope: Construct, id: string, config: Pick<Config, 'corsOrigins' | 'deployment'>) {
    super(scope, id);
    const { bucketName, bucketKmsKeyArn, tableName } = config.deployment;
    this.bucket =
      bucketName === undefined ? newBucket(this, config) : Bucket.fromBucketName(this, 'Bucket', bucketName);
    this.bucketKeyArn = bucketKmsKeyArn ?? null;
    this.table = tableName === undefined ? newTable(this, config.deployment) : tableNamed(this, tableName);
  }
}

function newBucket(
  scope: Construct,
  { corsOrigins, deployment: settings }: Pick<Config, 'corsOrigins' | 'deployment'>,
): Bucket {
  const bucket = new Bucket(scope, 'Bucket', {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: lifecycleRules(settings),
    ...(corsOrigins.length > 0 && { cors: [readableByPages] }),
    removalPolicy: removalPolicyOf(settings),
  });
  sendEventsToEventBridge(bucket);
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason:
      'Access logs would need a second bucket and double the requests; every object is written by our functions or the owner. CloudTrail data events give the same where it is wanted.',
  });
  return bucket;
}

/**
 * Pages that may call the API follow its redirects to signed links of objects. A browser names the origin `null` after a
 * redirect from one foreign origin to another (Fetch standard, "redirect-tainted origin"), so no list of origins would match;
 * what opens an object is the link's signature.
 */
const readableByPages = {
  allowedMethods: [HttpMethods.GET, HttpMethods.HEAD],
  allowedOrigins: ['*'],
  allowedHeaders: ['*'],
  exposedHeaders: ['Content-Length', 'ETag'],
};

/** By the bucket's own property: the `eventBridgeEnabled` of the L2 construct is a custom resource with wildcard rights. */
function sendEventsToEventBridge(bucket: Bucket): void {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new Error('The bucket is no CfnBucket.');
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
}

function lifecycleRules({ workExpireDays, resultsExpireDays }: DeploymentSettings): LifecycleRule[] {
  const rules = [
    { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(unfinishedUploadDays) },
    {
      id: 'work',
      prefix: 'work/',
      expiration: Duration.days(workExpireDays),
      // Only where somebody turns versioning on: otherwise they would stay for ever.
      noncurrentVersionExpiration: Duration.days(1),
    },
  ];
  if (resultsExpireDays === undefined) return rules;
  const expiration = Duration.days(resultsExpireDays);
  return [...rules, { id: 'results', prefix: 'results/', expiration }, { id: 'status', prefix: 'status/', expiration }];
}

function newTable(scope: Construct, settings: DeploymentSettings): Table {
  const { partitionKey, sortKey, indexes, timeToLiveAttribute } = tableDesign;
  const table = new Table(scope, 'Table', {
    partitionKey: text(partitionKey),
    sortKey: text(sortKey),
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    timeToLiveAttribute,
    removalPolicy: removalPolicyOf(settings),
  });
  for (const { name, projection, ...keys } of Object.values(indexes))
    table.addGlobalSecondaryIndex({
      indexName: name,
      partitionKey: text(keys.partitionKey),
      sortKey: text(keys.sortKey),
      projectionType: ProjectionType[projection],
    });
  return table;
}

function text(name: string): { name: string; type: AttributeType } {
  return { name, type: AttributeType.STRING };
}

/** A table of an earlier stack. Its indexes are reached by their ARNs, as those of a new one are. */
function tableNamed(scope: Construct, tableName: string): NamedTable {
  const arnFormat = ArnFormat.SLASH_RESOURCE_NAME;
  const tableArn = Stack.of(scope).formatArn({
    service: 'dynamodb',
    resource: 'table',
    resourceName: tableName,
    arnFormat,
  });
  return { tableName, tableArn };
}

/** What is kept is removed only where the creation of the stack itself fails: a second try would meet what the first left behind. */
export function removalPolicyOf(settings: DeploymentSettings): RemovalPolicy {
  return settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}
