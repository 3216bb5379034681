import { secretArn } from '../../local/aws-needs.ts';
import { localAccountId, localRegion } from '../../local/local-account.ts';
import type { PolicyBook, Statement } from './statement.ts';

/** A template of CloudFormation, as far as it is read here. */
export interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

interface PolicyStatement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

/** The local bucket and table. */
const localName = 'batchdrop';

/**
 * Gives each function of a template the statements of its role.
 *
 * @throws Error for what is not understood: a Deny, a condition other than StringEquals, a reference to something unknown.
 */
export function readPolicies(template: Template): PolicyBook {
  const { Resources: resources } = template;
  const functions = Object.values(resources).filter(({ Type: type }) => type === 'AWS::Lambda::Function');
  return Object.fromEntries(
    functions.map(({ Properties: { FunctionName: name, Role: role } }) => [
      String(name),
      statementsOfRole((role as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0], resources),
    ]),
  );
}

function statementsOfRole(roleId: string, resources: Template['Resources']): Statement[] {
  const policies = Object.values(resources).filter(
    ({ Type: type, Properties: { Roles: roles } }) =>
      type === 'AWS::IAM::Policy' && (roles as { Ref: string }[]).some(({ Ref: id }) => id === roleId),
  );
  return policies.flatMap(({ Properties: { PolicyDocument: document } }) =>
    (document as { Statement: PolicyStatement[] }).Statement.map((statement) => readStatement(statement, resources)),
  );
}

function readStatement(statement: PolicyStatement, resources: Template['Resources']): Statement {
  if (statement.Effect !== 'Allow')
    throw new Error(`A statement with the effect ${statement.Effect} is not understood.`);
  const { StringEquals: conditions = {}, ...others } = statement.Condition ?? {};
  const [other] = Object.keys(others);
  if (other !== undefined) throw new Error(`The condition ${other} is not understood.`);
  return {
    actions: [statement.Action].flat(),
    resources: [statement.Resource].flat().map((resource) => resolve(resource, resources)),
    conditions: Object.fromEntries(Object.entries(conditions).map(([key, value]) => [key, resolve(value, resources)])),
  };
}

const pseudoParameters: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::Region': localRegion,
  'AWS::AccountId': localAccountId,
  'AWS::URLSuffix': 'amazonaws.com',
};

/** What a text or an intrinsic function stands for in the local account. */
export function resolve(value: unknown, resources: Template['Resources']): string {
  if (typeof value === 'string') return value;
  const [[name, argument] = []] = Object.entries(value as object);
  if (name === 'Ref') return pseudoParameters[argument] ?? localRef(argument, resources);
  if (name === 'Fn::GetAtt' && argument[1] === 'Arn') return localArn(argument[0], resources);
  if (name === 'Fn::Join') return argument[1].map((part: unknown) => resolve(part, resources)).join(argument[0]);
  throw new Error(`${JSON.stringify(value)} is not understood.`);
}

const namedLocally = new Set(['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable']);

function localRef(id: string, resources: Template['Resources']): string {
  const resource = resources[id];
  if (resource?.Type === 'AWS::SecretsManager::Secret') return secretArn(String(resource.Properties.Name));
  if (namedLocally.has(resource?.Type ?? '')) return localName;
  throw new Error(`A Ref to ${id}, ${resource?.Type}, is not understood.`);
}

function localArn(id: string, resources: Template['Resources']): string {
  const arn = `:${localRegion}:${localAccountId}:`;
  const type = resources[id]?.Type;
  switch (type) {
    case 'AWS::S3::Bucket':
      return `arn:aws:s3:::${localName}`;
    case 'AWS::DynamoDB::Table':
    case 'AWS::DynamoDB::GlobalTable':
      return `arn:aws:dynamodb${arn}table/${localName}`;
    case 'AWS::Logs::LogGroup':
      return `arn:aws:logs${arn}log-group:${id}:*`;
    case 'AWS::SQS::Queue':
      return `arn:aws:sqs${arn}${id}`;
    case 'AWS::IAM::Role':
      return `arn:aws:iam::${localAccountId}:role/${id}`;
    default:
      throw new Error(`The ARN of ${id}, ${type}, is not understood.`);
  }
}
