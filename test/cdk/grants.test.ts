import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../cdk/packages.ts';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { actionOfCall, awsCallsOf } from './aws-calls.ts';
import { synthesize, synthesizeConfig, temporaryFolder } from './synthesize.ts';

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
}

let template: Template;

beforeAll(() => {
  template = synthesize();
});

/** The statements of a role's policy, by a part of the policy's name. */
function statementsOf(part: string, within = template): Statement[] {
  const policies = Object.entries(within.findResources('AWS::IAM::Policy')).filter(([id]) => id.startsWith(part));
  expect(policies).toHaveLength(1);
  return policies.flatMap(([, policy]) => policy.Properties.PolicyDocument.Statement);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** What Lambda itself does in a function's name: logs, traces, and its dead letters. */
const actionsOfLambda = /^(logs|xray|sqs):/;

function grantedActions(statements: Statement[]): string[] {
  const actions = statements.flatMap(({ Action: action, Resource: resource }) => {
    const indexes = [...JSON.stringify(resource).matchAll(/\/index\/(\w+)/g)].map(([, index]) => ` on ${index}`);
    return list(action).flatMap((one) => (indexes.length === 0 ? [''] : indexes).map((index) => `${one}${index}`));
  });
  return [...new Set(actions)].filter((action) => !actionsOfLambda.test(action)).toSorted();
}

describe('the grants', () => {
  it.each(functionNames)('of %s are what its handler calls, no less and no more', async (name) => {
    const needed = await neededActions(name);
    for (const action of answers) needed.delete(action);
    expect(grantedActions(statementsOf(`Functions${name}`))).toEqual([...needed].toSorted());
  });

  it('of the state machine are its five functions', () => {
    const [invoke, platform, ...others] = statementsOf('Workflow');
    expect(invoke?.Action).toBe('lambda:InvokeFunction');
    expect(list(invoke?.Resource)).toHaveLength(5);
    expect(JSON.stringify(invoke?.Resource)).not.toContain('*');
    for (const action of list(platform?.Action)) expect(action).toMatch(/^(logs|xray):/);
    expect(others).toEqual([]);
  });

  it('have no wildcard that is not listed here', () => {
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      (policy): Statement[] => policy.Properties.PolicyDocument.Statement,
    );
    expect(statements.length).toBeGreaterThan(30);
    const wild = statements
      .filter(({ Resource: resource }) => list(resource).includes('*'))
      .flatMap(({ Action: action }) => list(action));
    expect(statements.filter(({ Action: action }) => list(action).some((one) => String(one).includes('*')))).toEqual(
      [],
    );
    expect([...new Set(wild)].toSorted()).toEqual(actionsWithoutResources);
    expect([...new Set(statements.flatMap(folders))].toSorted()).toEqual(wildcardEndings);
  });
});

/** Actions that AWS knows without a resource: traces, and the delivery of the state machine's log. */
const actionsWithoutResources = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

/** Names that only a batch makes: its objects within a step's folders, and its executions. */
const wildcardEndings = ['/files/*', '/inbox/*', '/results/*', '/status/*', '/work/*', ':execution:Batchdrop:*'];

function folders({ Resource: resource }: Statement): string[] {
  return JSON.stringify(resource).match(/[^"]+\*(?=")/g) ?? [];
}

/** Answers to tasks of state machines; granted where the configuration names one. */
const answers = ['states:SendTaskFailure', 'states:SendTaskSuccess'];

async function neededActions(name: FunctionName, isOnBedrock = false): Promise<Set<string>> {
  const calls = await awsCallsOf(name, isOnBedrock);
  const needed = new Set(calls.map((call) => actionOfCall[call] ?? `unknown: ${call}`));
  if (needed.has('s3:GetObject')) needed.add('s3:ListBucket');
  if (needed.has('bedrock:CreateModelInvocationJob')) needed.add('iam:PassRole');
  return needed;
}

describe('with state machines that wait for batches, the grants', () => {
  it('of whoever ends or refuses a batch are the answers to these machines, and nobody else has them', async () => {
    const machine = 'arn:aws:states:eu-west-1:123456789012:stateMachine:reviews';
    const waited = synthesizeConfig({ taskMachines: [machine] });
    for (const name of functionNames) {
      const needed = await neededActions(name);
      const own = statementsOf(`Functions${name}`, waited).filter(({ Action: action }) =>
        list(action).some((one) => String(one).startsWith('states:SendTask')),
      );
      expect(grantedActions(own), name).toEqual(answers.filter((action) => needed.has(action)));
      for (const { Resource: resource } of own) expect(list(resource), name).toEqual([machine]);
    }
  });

  it('are for machines that are named in full', () => {
    expect(() => synthesizeConfig({ taskMachines: ['arn:aws:states:*:123456789012:stateMachine:*'] })).toThrow(
      /taskMachines.*the ARN of a state machine/,
    );
  });
});

describe('with an account on Bedrock, the grants', () => {
  let onBedrock: Template;

  beforeAll(() => {
    const config = join(temporaryFolder(), 'bedrock.config.json');
    const openai = { kind: 'openai', secret: 'batchdrop/openai' };
    writeFileSync(config, JSON.stringify({ providers: { openai, aws: { kind: 'bedrock' } } }));
    onBedrock = synthesize({ config });
  });

  it.each(functionNames)('of %s are what its handler calls, no less and no more', async (name) => {
    const needed = await neededActions(name, true);
    for (const action of answers) needed.delete(action);
    expect(grantedActions(statementsOf(`Functions${name}`, onBedrock))).toEqual([...needed].toSorted());
  });

  it('hand over the one role, to Bedrock alone', () => {
    const [passing, ...others] = Object.values(onBedrock.findResources('AWS::IAM::Policy'))
      .flatMap((policy) => policy.Properties.PolicyDocument.Statement)
      .filter(({ Action: action }) => list(action).includes('iam:PassRole'));
    const [roleId] = Object.keys(onBedrock.findResources('AWS::IAM::Role')).filter((id) => id.startsWith('Bedrock'));

    expect(others).toEqual([]);
    expect(passing.Resource).toEqual({ 'Fn::GetAtt': [roleId, 'Arn'] });
    expect(passing.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'bedrock.amazonaws.com' } });
    const submit = Object.values(onBedrock.findResources('AWS::Lambda::Function')).find(({ Properties }) =>
      Properties.FunctionName.endsWith('-submit'),
    );
    expect(submit?.Properties.Environment.Variables.BATCHDROP_BEDROCK_ROLE_ARN).toEqual(passing.Resource);
  });

  it('of Bedrock itself are the lines and answers of jobs, and only for jobs of this account', () => {
    const [objects] = statementsOf('Bedrock', onBedrock).filter(({ Action: action }) =>
      list(action).includes('s3:PutObject'),
    );
    const [role] = Object.entries(onBedrock.findResources('AWS::IAM::Role')).filter(([id]) => id.startsWith('Bedrock'));

    expect(objects?.Action).toEqual(['s3:GetObject', 's3:PutObject']);
    expect(JSON.stringify(objects?.Resource)).toContain('/work/*/bedrock/*');
    const [trust] = role?.[1].Properties.AssumeRolePolicyDocument.Statement ?? [];
    expect(trust.Principal).toEqual({ Service: 'bedrock.amazonaws.com' });
    expect(JSON.stringify(trust.Condition)).toContain(':model-invocation-job/*');
    expect(trust.Condition.StringEquals).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
  });

  it('let Bedrock’s events in, which nobody waits for without it', () => {
    const pattern = { source: ['aws.bedrock'], 'detail-type': ['Batch Inference Job State Change'] };
    const patternsOf = (found: Template) =>
      Object.values(found.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties.EventPattern);

    expect(patternsOf(onBedrock)).toContainEqual(pattern);
    expect(patternsOf(template)).not.toContainEqual(pattern);
  });

  it('are none where no account is there', () => {
    const actions = Object.values(template.findResources('AWS::IAM::Policy')).flatMap((policy) =>
      policy.Properties.PolicyDocument.Statement.flatMap(({ Action: action }: Statement) => list(action)),
    );
    expect(actions.filter((action) => /^(bedrock|iam):/.test(String(action)))).toEqual([]);
  });
});
