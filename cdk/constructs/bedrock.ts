import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { bedrock } from '../../lib/providers/bedrock/provider.ts';
import type { Config, ConfigOfKind } from '../../lib/providers/config.ts';
import { s3Service } from './service-names.ts';
import type { Storage } from './storage.ts';
import { acknowledgeWildcards } from './wildcards.ts';

/** What Bedrock says that it needs here. */
export const bedrockNeeds = bedrock.aws;

/** Where a job's lines and answers lie. */
export const jobObjects = 'work/*/bedrock/*';

/** What Bedrock needs for its jobs; empty where no account is Bedrock's. */
export class BedrockJobs extends Construct {
  /** ARN of the stack's own role; null where no account needs it. */
  readonly ownRoleArn: string | null;
  /** All roles that jobs may be given. */
  readonly roleArns: readonly string[];

  constructor(scope: Construct, id: string, config: Config, storage: Storage) {
    super(scope, id);
    const accounts = Object.values(config.providers).filter(isBedrock);
    const named = accounts.flatMap(({ roleArn }) => roleArn ?? []);
    this.ownRoleArn = named.length < accounts.length ? newRole(this, storage).roleArn : null;
    this.roleArns = [...new Set([...named, ...(this.ownRoleArn === null ? [] : [this.ownRoleArn])])];
  }
}

function isBedrock(account: Config['providers'][string]): account is ConfigOfKind<'bedrock'> {
  return account.kind === 'bedrock';
}

/** Source: https://docs.aws.amazon.com/bedrock/latest/userguide/batch-iam-sr.html, read 2026-11. */
function newRole(scope: Construct, { bucket, bucketKeyArn }: Storage): Role {
  const { account } = Stack.of(scope);
  const role = new Role(scope, 'Role', {
    description: 'Lets Amazon Bedrock read the lines of our jobs and write their answers.',
    assumedBy: new ServicePrincipal(bedrockNeeds.service, {
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnEquals: { 'aws:SourceArn': jobArns(scope) },
      },
    }),
  });
  const objects = bucket.arnForObjects(jobObjects);
  role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject', 's3:PutObject'], resources: [objects] }));
  role.addToPolicy(new PolicyStatement({ actions: [bedrockNeeds.actions.call], resources: modelArns(scope) }));
  if (bucketKeyArn !== null) role.addToPolicy(useOfKey(scope, bucketKeyArn));
  acknowledgeWildcards(role, [objects], 'Objects are named by batch; these are the lines and answers of jobs only.');
  acknowledgeWildcards(role, modelArns(scope), profileReason);
  return role;
}

/** Jobs read and write objects that S3 encrypts with a key of the owner's. */
function useOfKey(scope: Construct, keyArn: string): PolicyStatement {
  return new PolicyStatement({
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: [keyArn],
    conditions: { StringEquals: { 'kms:ViaService': s3Service(scope) } },
  });
}

export const profileReason =
  'Requests name their models, and a profile spreads them over regions; these are models and profiles only.';

/** ARNs of jobs in our AWS account, in every region: the configuration may name another region than the stack's. */
export function jobArns(scope: Construct): string {
  const { partition, account } = Stack.of(scope);
  return `arn:${partition}:bedrock:*:${account}:model-invocation-job/*`;
}

export function modelArns(scope: Construct): string[] {
  const { partition, account } = Stack.of(scope);
  return [
    `arn:${partition}:bedrock:*::foundation-model/*`,
    `arn:${partition}:bedrock:*:${account}:inference-profile/*`,
    `arn:${partition}:bedrock:*:${account}:application-inference-profile/*`,
  ];
}
