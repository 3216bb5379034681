import type { Config } from '../providers/config.ts';
import { type Access, accessOf } from '../records/function-access.ts';
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
  /** Of the providers' secrets, in full: the roles name them so. */
  secretArns: readonly string[];
}

/** Any object's or execution's, since grants end with a star. */
const anyName = 'doctor';

/** What a function's role must allow for its step to work. What it may do with Bedrock and with input prefixes is not among it. */
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
  return byResource([
    { actions: table.map((action) => `dynamodb:${action}`), resource: tableArn },
    ...(access.unfinishedIndex ? [index(tableDesign.indexes.unfinished)] : []),
    ...(access.tenantIndex ? [index(tableDesign.indexes.byTenant)] : []),
    ...inFolders('s3:GetObject', reads),
    ...inFolders('s3:PutObject', writes),
    ...inFolders('s3:DeleteObject', deletes),
    ...(reads.length + deletes.length > 0 ? [{ actions: ['s3:ListBucket'], resource: bucketArn }] : []),
    ...(access.startsExecutions ? [{ actions: ['states:StartExecution'], resource: subject.stateMachineArn }] : []),
    ...(access.describesExecutions ? [describingExecutions(subject)] : []),
    ...(access.sendsEvents ? [sendingEvents(subject, `arn:${partition}:events:${region}:${account}`)] : []),
    ...subject.config.taskMachines.flatMap((machine) => answers(access.answersTasks, machine)),
    ...(access.readsSecrets ? subject.secretArns.map(readingSecret) : []),
    ...(reads.length + writes.length > 0 ? keyRights(subject.config, writes.length > 0, region) : []),
  ]);
}

/** One question for each resource: IAM takes few a second. */
function byResource(rights: readonly NeededRight[]): NeededRight[] {
  const groups = Map.groupBy(rights, ({ resource, context }) => JSON.stringify([resource, context]));
  return [...groups.values()].flatMap(([first, ...others]) =>
    first ? [{ ...first, actions: [first, ...others].flatMap(({ actions }) => actions) }] : [],
  );
}

function describingExecutions({ stateMachineArn }: RightsSubject): NeededRight {
  const executions = stateMachineArn.replace(':stateMachine:', ':execution:');
  return { actions: ['states:DescribeExecution'], resource: `${executions}:${anyName}` };
}

function sendingEvents({ config }: RightsSubject, events: string): NeededRight {
  const resource = `${events}:event-bus/${config.deployment.eventBusName}`;
  return { actions: ['events:PutEvents'], resource, context: { 'events:source': 'batchdrop' } };
}

function answers(kinds: Access['answersTasks'] = [], machine: string): NeededRight[] {
  return kinds.length === 0 ? [] : [{ actions: kinds.map((kind) => `states:SendTask${kind}`), resource: machine }];
}

function readingSecret(arn: string): NeededRight {
  return { actions: ['secretsmanager:GetSecretValue'], resource: arn };
}

function keyRights({ deployment }: Config, isWriter: boolean, region: string): NeededRight[] {
  if (deployment.bucketKmsKeyArn === undefined) return [];
  const actions = ['kms:Decrypt', ...(isWriter ? ['kms:GenerateDataKey'] : [])];
  const context = { 'kms:ViaService': `s3.${region}.amazonaws.com` };
  return [{ actions, resource: deployment.bucketKmsKeyArn, context }];
}
