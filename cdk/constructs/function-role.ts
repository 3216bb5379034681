import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Config } from '../../lib/providers/config.ts';
import type { Access, Folder, JobAction } from '../../lib/records/function-access.ts';
import { table as tableDesign } from '../../lib/records/table.ts';
import { type BedrockJobs, bedrockNeeds, jobArns, jobObjects, modelArns, profileReason } from './bedrock.ts';
import type { ProviderSecrets } from './secrets.ts';
import { s3Service } from './service-names.ts';
import type { Storage } from './storage.ts';
import { acknowledgeWildcards } from './wildcards.ts';

/** What a function may reach, as far as its access says. */
export interface Reach {
  storage: Storage;
  secrets: ProviderSecrets;
  bedrock: BedrockJobs;
  config: Pick<Config, 'inputPrefixes' | 'taskMachines' | 'deployment'>;
}

interface Grant {
  actions: string[];
  resources: string[];
  condition?: Record<string, string>;
  /** Why a resource has a wildcard. */
  reason?: string;
}

/** A role of a function's own, with one statement for each thing that it does. */
export function newFunctionRole(scope: Construct, access: Access, logs: ILogGroup, reach: Reach): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  for (const grant of grants(scope, access, logs, reach)) add(role, grant);
  acknowledgeWildcards(
    role,
    ['*'],
    'X-Ray has no resources: xray:PutTraceSegments and PutTelemetryRecords take * only.',
  );
  return role;
}

function add(role: Role, { actions, resources, condition, reason }: Grant): void {
  role.addToPolicy(
    new PolicyStatement({ actions, resources, ...(condition && { conditions: { StringEquals: condition } }) }),
  );
  if (reason !== undefined) acknowledgeWildcards(role, resources, reason);
}

function grants(scope: Construct, access: Access, logs: ILogGroup, reach: Reach): Grant[] {
  const { storage, secrets, config } = reach;
  // By name: the machine itself needs the functions first.
  const { stackName: machine, eventBusName } = config.deployment;
  return [
    { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logs.logGroupArn] },
    ...tableGrants(access, storage),
    ...objectGrants(access, storage),
    ...keyGrants(scope, access, storage),
    ...inputGrants(scope, access, config.inputPrefixes),
    ...given(access.startsExecutions, {
      actions: ['states:StartExecution'],
      resources: [statesArn(scope, 'stateMachine', machine)],
    }),
    ...given(access.describesExecutions, {
      actions: ['states:DescribeExecution'],
      resources: [statesArn(scope, 'execution', `${machine}:*`)],
      reason: 'Executions are named by batch; these are all of our own state machine and of no other.',
    }),
    ...given(access.sendsEvents, {
      actions: ['events:PutEvents'],
      resources: [eventBusArn(scope, eventBusName)],
      condition: { 'events:source': 'batchdrop' },
    }),
    ...taskGrants(access, config.taskMachines),
    ...jobGrants(scope, access, reach),
    ...secretGrants(access, secrets),
  ];
}

/** Accounts on Bedrock, for one, have no key. */
function secretGrants({ readsSecrets }: Access, { arns }: ProviderSecrets): Grant[] {
  if (!readsSecrets || arns.length === 0) return [];
  return [{ actions: ['secretsmanager:GetSecretValue'], resources: [...arns] }];
}

function taskGrants({ answersTasks = [] }: Access, machines: readonly string[]): Grant[] {
  if (machines.length === 0 || answersTasks.length === 0) return [];
  return [{ actions: answersTasks.map((answer) => `states:SendTask${answer}`), resources: [...machines] }];
}

function given(isGranted: true | undefined, grant: Grant): Grant[] {
  return isGranted ? [grant] : [];
}

function tableGrants({ table: actions, unfinishedIndex, tenantIndex }: Access, { table }: Storage): Grant[] {
  const { unfinished, byTenant } = tableDesign.indexes;
  const queries = (name: string): Grant => ({
    actions: ['dynamodb:Query'],
    resources: [`${table.tableArn}/index/${name}`],
  });
  return [
    { actions: actions.map((action) => `dynamodb:${action}`), resources: [table.tableArn] },
    ...given(unfinishedIndex, queries(unfinished.name)),
    ...given(tenantIndex, queries(byTenant.name)),
  ];
}

function objectGrants({ reads = [], writes = [], deletes = [], writesWhole }: Access, { bucket }: Storage): Grant[] {
  const inFolders = (actions: string[], folders: readonly Folder[]): Grant[] =>
    folders.length === 0
      ? []
      : [{ actions, resources: folders.map((folder) => bucket.arnForObjects(`${folder}*`)), reason: folderReason }];
  // Status files are small and written whole; all others may be in parts.
  const inParts = writesWhole ? [] : writes.filter((folder) => folder !== 'status/');
  return [
    ...inFolders(['s3:GetObject'], reads),
    // Whoever removes a folder lists it. Without it S3 also answers 403 instead of 404 for an object that is not there.
    ...(reads.length + deletes.length > 0 ? [{ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }] : []),
    ...inFolders(['s3:PutObject'], writes),
    ...inFolders(['s3:AbortMultipartUpload'], inParts),
    ...inFolders(['s3:DeleteObject'], deletes),
  ];
}

/** S3 asks for a key of the owner's in the name of whoever reads or writes; an upload in parts also reads the key. */
function keyGrants(scope: Construct, { reads = [], writes = [] }: Access, { bucketKeyArn }: Storage): Grant[] {
  if (bucketKeyArn === null) return [];
  const ofKey = { resources: [bucketKeyArn], condition: { 'kms:ViaService': s3Service(scope) } };
  return [
    ...(reads.length + writes.length > 0 ? [{ actions: ['kms:Decrypt'], ...ofKey }] : []),
    ...(writes.length > 0 ? [{ actions: ['kms:GenerateDataKey'], ...ofKey }] : []),
  ];
}

function jobGrants(scope: Construct, { jobs = [] }: Access, { bedrock, storage }: Reach): Grant[] {
  if (bedrock.roleArns.length === 0) return [];
  return jobs.flatMap((action) => grantsOfJob(scope, action, bedrock, storage));
}

function grantsOfJob(scope: Construct, action: JobAction, bedrock: BedrockJobs, { bucket }: Storage): Grant[] {
  const { service, actions } = bedrockNeeds;
  const ofJobs = { resources: [jobArns(scope)], reason: 'Bedrock names jobs; these are all of this account.' };
  switch (action) {
    case 'Create':
      return [
        { actions: [actions.create], ...ofJobs },
        { actions: [actions.create], resources: modelArns(scope), reason: profileReason },
        {
          actions: ['iam:PassRole'],
          resources: [...bedrock.roleArns],
          condition: { 'iam:PassedToService': service },
        },
        {
          actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
          resources: [bucket.arnForObjects(jobObjects)],
          reason: folderReason,
        },
      ];
    case 'Get':
      return [{ actions: [actions.get], ...ofJobs }];
    case 'List':
      return [{ actions: [actions.list], resources: ['*'] }];
    case 'Stop':
      return [{ actions: [actions.stop], ...ofJobs }];
    case 'Call':
      return [{ actions: [actions.call], resources: modelArns(scope), reason: profileReason }];
  }
}

/** Without s3:ListBucket: the buckets are not ours, and a 403 counts as an object that is not there. */
function inputGrants(scope: Construct, { readsInputs }: Access, prefixes: readonly string[]): Grant[] {
  if (!readsInputs || prefixes.length === 0) return [];
  const resources = prefixes.map((prefix) => objectsArn(scope, prefix));
  return [
    { actions: ['s3:GetObject'], resources, reason: 'The prefixes that the configuration opens to API clients.' },
  ];
}

/** @param prefix as `s3://bucket/folder/{tenant}/`; the tenant may be any. */
function objectsArn(scope: Construct, prefix: string): string {
  const path = prefix.slice('s3://'.length);
  // IAM's spelling of characters that would otherwise stand for any.
  const literal = path.replaceAll(/[*?$]/g, (character) => `\${${character}}`);
  return `arn:${Stack.of(scope).partition}:s3:::${literal.replaceAll('{tenant}', '*')}*`;
}

const folderReason = 'Objects are named by key or batch; these are the folders that this step reads or writes.';

export function stateMachineArn(scope: Construct, name: string): string {
  return statesArn(scope, 'stateMachine', name);
}

function statesArn(scope: Construct, resource: string, resourceName: string): string {
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  return Stack.of(scope).formatArn({ service: 'states', resource, resourceName, arnFormat });
}

function eventBusArn(scope: Construct, resourceName: string): string {
  return Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName });
}
