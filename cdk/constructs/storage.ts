import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { table as tableDesign } from '../../lib/records/table.ts';
import type { Settings } from '../settings.ts';

/** Parts of an upload that nobody finished. Our own uploads take 15 minutes at most. */
const unfinishedUploadDays = 7;

/** A bucket as far as the stack uses it, be it its own or one that was there. */
type NamedBucket = Pick<IBucket, 'bucketName' | 'bucketArn' | 'arnForObjects'>;

/** Where everything is kept: the bucket and the table. Both outlive the stack unless the settings say otherwise. */
export class Storage extends Construct {
  readonly bucket: NamedBucket;
  readonly table: Table;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id);
    const { bucketName } = settings;
    this.bucket =
      bucketName === undefined ? newBucket(this, settings) : Bucket.fromBucketName(this, 'Bucket', bucketName);
    this.table = newTable(this, settings);
  }
}

function newBucket(scope: Construct, settings: Settings): Bucket {
  const bucket = new Bucket(scope, 'Bucket', {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: lifecycleRules(settings),
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

/** By the bucket's own property: the `eventBridgeEnabled` of the L2 construct is a custom resource with wildcard rights. */
function sendEventsToEventBridge(bucket: Bucket): void {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new Error('The bucket is no CfnBucket.');
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
}

function lifecycleRules({ workExpireDays, resultsExpireDays }: Settings): LifecycleRule[] {
  const rules = [
    { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(unfinishedUploadDays) },
    { id: 'work', prefix: 'work/', expiration: Duration.days(workExpireDays) },
  ];
  if (resultsExpireDays === undefined) return rules;
  const expiration = Duration.days(resultsExpireDays);
  return [...rules, { id: 'results', prefix: 'results/', expiration }, { id: 'status', prefix: 'status/', expiration }];
}

function newTable(scope: Construct, settings: Settings): Table {
  const { partitionKey, sortKey, indexes, timeToLiveAttribute } = tableDesign;
  const table = new Table(scope, 'Table', {
    partitionKey: text(partitionKey),
    sortKey: text(sortKey),
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    timeToLiveAttribute,
    removalPolicy: removalPolicyOf(settings),
    deletionProtection: settings.removalPolicy === 'retain',
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

export function removalPolicyOf(settings: Settings): RemovalPolicy {
  return settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
}
