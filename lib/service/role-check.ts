import { secretOf } from '../providers/account.ts';
import type { Config } from '../providers/config.ts';
import { deploymentNameOf, secretNameIn } from '../records/deployment-settings.ts';
import { accessOf } from '../records/function-access.ts';
import type { FunctionName } from '../records/function-timeouts.ts';
import { table as tableDesign } from '../records/table.ts';

/** Something that a function must be allowed, as IAM's policy simulator asks for it. */
export interface NeededRight {
  actions: string[];
  /** An ARN. */
  resource: string;
  /** What else the call would tell IAM, such as who asks KMS for a key. */
  context?: Record<string, string>;
}

/** A deployment, as far as rights name it. */
export interface RightsSubject {
  config: Config;
  bucket: string;
  table: string;
  stateMachineArn: string;
}

/** Any object's, since grants end with a star. */
const anyName = 'doctor';

/** What a function's role must allow for its step to work on the bucket, the table, the secrets and the bucket's key. */
export function neededRights(name: FunctionName, subject: RightsSubject): NeededRight[] {
  const { table, reads = [], writes = [], deletes = [], ...access } = accessOf[name];
  const [, partition = 'aws', , region = '', account = ''] = subject.stateMachineArn.split(':');
  const bucketArn = `arn:${partition}:s3:::${subject.bucket}`;
  const tableArn = `arn:${partition}:dynamodb:${region}:${account}:table/${subject.table}`;
  const inFolders = (action: string, folders: readonly string[]): NeededRight[] =>
    folders.map((folder) => ({ actions: [action], resource: `${bucketArn}/${folder}${anyName}` }));
  const index = (design: { name: string }): NeededRight => ({
    actions: ['dynamodb:Query'],
    resource: `${tableArn}/index/${design.name}`,
  });
  return [
    { actions: table.map((action) => `dynamodb:${action}`), resource: tableArn },
    ...(access.unfinishedIndex ? [index(tableDesign.indexes.unfinished)] : []),
    ...(access.tenantIndex ? [index(tableDesign.indexes.byTenant)] : []),
    ...inFolders('s3:GetObject', reads),
    ...inFolders('s3:PutObject', writes),
    ...inFolders('s3:DeleteObject', deletes),
    ...(access.startsExecutions ? [{ actions: ['states:StartExecution'], resource: subject.stateMachineArn }] : []),
    ...(access.readsSecrets ? secretRights(subject, `arn:${partition}:secretsmanager:${region}:${account}`) : []),
    ...(reads.length + writes.length > 0 ? keyRights(subject.config, writes.length > 0, region) : []),
  ];
}

function secretRights({ config, stateMachineArn }: RightsSubject, prefix: string): NeededRight[] {
  const deployment = deploymentNameOf(stateMachineArn);
  const secrets = Object.values(config.providers).flatMap((provider) => secretOf(provider) ?? []);
  return [...new Set(secrets)].map((secret) => ({
    actions: ['secretsmanager:GetSecretValue'],
    resource: `${prefix}:secret:${secretNameIn(deployment, secret)}-doctor`,
  }));
}

function keyRights({ deployment }: Config, isWriter: boolean, region: string): NeededRight[] {
  if (deployment.bucketKmsKeyArn === undefined) return [];
  const actions = ['kms:Decrypt', ...(isWriter ? ['kms:GenerateDataKey'] : [])];
  const context = { 'kms:ViaService': `s3.${region}.amazonaws.com` };
  return [{ actions, resource: deployment.bucketKmsKeyArn, context }];
}
