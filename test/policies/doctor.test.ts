import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { functionNames } from '../../cdk/packages.ts';
import { parseConfig } from '../../lib/providers/config.ts';
import { table } from '../../lib/records/table.ts';
import { checkDeployment, type Finding, type Subject } from '../../lib/service/doctor.ts';
import { neededRights } from '../../lib/service/role-check.ts';
import { Deployment } from '../../lib/store/deployment.ts';
import { secretArn } from '../../local/aws-needs.ts';
import { localStateMachineArn } from '../../local/local-account.ts';
import { readBooks } from './permissions.ts';
import { configurations, configurationText, type Stack } from './policy-books.ts';
import { grantsFor, grantsOf, type PolicyBook } from './statement.ts';

const names = { bucket: 'batchdrop', table: 'batchdrop', stateMachineArn: localStateMachineArn };
const ourKey = configurations.ownKey.deployment.bucketKmsKeyArn;

function configOf(stack: Stack) {
  return parseConfig(configurationText(configurations[stack]), stack);
}

describe.each(['plain', 'ownKey'] as const)('of each function of the stack %s', (stack) => {
  it.each(functionNames)('the doctor asks for what %s is granted, in full', (name) => {
    const config = configOf(stack);
    const secretArns = Object.keys(config.providers).map((provider) => secretArn(`batchdrop/${provider}`));
    const statements = readBooks()[stack][`batchdrop-${name}`] ?? [];
    const asked = neededRights(name, { ...names, config, secretArns }).flatMap(({ actions, resource, context = {} }) =>
      actions.map((action) => ({ action, resource, conditions: context })),
    );
    const found = asked.map((need) => ({ need, grants: grantsFor(statements, need) }));
    expect(found.filter(({ grants }) => grants.length === 0).map(({ need }) => need)).toEqual([]);

    const used = new Set(found.flatMap(({ grants }) => grants.map(({ action, resource }) => `${action} ${resource}`)));
    const ofOthers = /^(logs|xray|sqs):|^s3:AbortMultipartUpload /;
    const granted = grantsOf(statements).map(({ action, resource }) => `${action} ${resource}`);
    expect(granted.filter((grant) => !used.has(grant) && !ofOthers.test(grant))).toEqual([]);
  });
});

/** What stands in the account, as AWS answers it. */
interface Account {
  policies: PolicyBook;
  lifecycle: string;
  encryption: string;
  versioning: string;
  /** Rules by their names: what they listen for, and their targets. */
  rules: Record<string, { pattern?: object; schedule?: string; target: string }>;
}

let account: Account;
let server: Server;

const rule = (inner: string) => `<Rule><Status>Enabled</Status>${inner}</Rule>`;
const expiry = (folder: string, days: number) =>
  rule(`<Filter><Prefix>${folder}</Prefix></Filter><Expiration><Days>${days}</Days></Expiration>`);
const uploads = rule(
  '<Filter><Prefix></Prefix></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
);
const functionArn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const inboxOf = (bucket: string) => ({
  source: ['aws.s3'],
  detail: { bucket: { name: [bucket] }, object: { key: [{ prefix: 'inbox/' }] } },
});
const encryptedBy = (key: string) =>
  `<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${key}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule>`;

beforeEach(async () => {
  account = {
    policies: readBooks().plain,
    lifecycle: expiry('work/', 107) + uploads,
    encryption:
      '<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>',
    versioning: '',
    rules: {
      dropped: { pattern: inboxOf('batchdrop'), target: functionArn('batchdrop-intake') },
      schedule: { schedule: 'rate(15 minutes)', target: functionArn('batchdrop-sweep') },
    },
  };
  server = createServer(async (request, response) => {
    const body = await text(request);
    const { status, type, answer } = answerTo(request, body);
    response.writeHead(status, { 'content-type': type }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'somebody');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'somebody');
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
});

interface Answer {
  status: number;
  type: string;
  answer: string;
}

const xml = (answer: string, status = 200): Answer => ({ status, type: 'application/xml', answer });
const json = (value: object): Answer => ({ status: 200, type: 'application/json', answer: JSON.stringify(value) });

/** By S3's queries, the JSON services' targets, Lambda's paths; what is left is IAM. */
function answerTo(request: IncomingMessage, body: string): Answer {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://aws');
  const target = String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
  if (target !== '') return json(answerOfJson(target, JSON.parse(body)));
  if (/^\/batchdrop\/?$/.test(pathname)) return answerOfBucket(searchParams);
  const [, ofFunction] = /\/functions\/([^/]+)\/configuration$/.exec(pathname) ?? [];
  if (ofFunction !== undefined) return json({ Role: `arn:aws:iam::000000000000:role/${ofFunction}` });
  if (pathname.includes('account-settings')) return json({ AccountLimit: { ConcurrentExecutions: 1_000 } });
  return xml(simulate(new URLSearchParams(body)));
}

function answerOfBucket(query: URLSearchParams): Answer {
  if (query.has('notification'))
    return xml(
      '<NotificationConfiguration><EventBridgeConfiguration></EventBridgeConfiguration></NotificationConfiguration>',
    );
  if (query.has('lifecycle')) return xml(`<LifecycleConfiguration>${account.lifecycle}</LifecycleConfiguration>`);
  if (query.has('encryption'))
    return xml(`<ServerSideEncryptionConfiguration>${account.encryption}</ServerSideEncryptionConfiguration>`);
  if (query.has('versioning')) return xml(`<VersioningConfiguration>${account.versioning}</VersioningConfiguration>`);
  if (query.has('cors')) return xml('<Error><Code>NoSuchCORSConfiguration</Code></Error>', 404);
  return xml('');
}

function answerOfJson(target: string, input: Record<string, string>): object {
  const rules = Object.entries(account.rules);
  switch (target) {
    case 'DescribeTable':
      return {
        Table: {
          TableStatus: 'ACTIVE',
          GlobalSecondaryIndexes: Object.values(table.indexes).map(({ name }) => ({ IndexName: name })),
        },
      };
    case 'DescribeStateMachine':
      return { status: 'ACTIVE' };
    case 'DescribeSecret':
      return { ARN: secretArn(input.SecretId ?? '') };
    case 'ListRuleNamesByTarget':
      return { RuleNames: rules.filter(([, one]) => one.target === input.TargetArn).map(([name]) => name) };
    case 'ListRules':
      return { Rules: rules.map(([name]) => describedRule(name)) };
    case 'DescribeRule':
      return describedRule(input.Name ?? '');
    case 'ListTargetsByRule':
      return { Targets: [{ Id: 'Target0', Arn: account.rules[input.Rule ?? '']?.target }] };
    default:
      throw new Error(`Nothing here answers ${target}.`);
  }
}

function describedRule(name: string): object {
  const { pattern, schedule } = account.rules[name] ?? {};
  return {
    Name: name,
    State: 'ENABLED',
    EventPattern: pattern && JSON.stringify(pattern),
    ScheduleExpression: schedule,
  };
}

/** As IAM's simulator: by the policies of the role, with the context that the caller tells. */
function simulate(call: URLSearchParams): string {
  const members = (name: string) =>
    [...call].filter(([key]) => new RegExp(`^${name}\\.member\\.\\d+$`).test(key)).map(([, value]) => value);
  const entries = [1, 2].map((number) => `ContextEntries.member.${number}.`);
  const conditions = Object.fromEntries(
    entries.flatMap((entry) => {
      const key = call.get(`${entry}ContextKeyName`);
      return key === null ? [] : [[key, call.get(`${entry}ContextKeyValues.member.1`) ?? '']];
    }),
  );
  const statements = account.policies[call.get('PolicySourceArn')?.split('/').at(-1) ?? ''] ?? [];
  const [resource = ''] = members('ResourceArns');
  const results = members('ActionNames').map((action) => {
    const isAllowed = grantsFor(statements, { action, resource, conditions }).length > 0;
    return `<member><EvalActionName>${action}</EvalActionName><EvalDecision>${isAllowed ? 'allowed' : 'implicitDeny'}</EvalDecision></member>`;
  });
  const answer = `<EvaluationResults>${results.join('')}</EvaluationResults>`;
  return `<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult>${answer}</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`;
}

/** Asks the account; the providers' keys are another matter. */
async function examine(stack: Stack = 'plain'): Promise<Finding[]> {
  const services = {
    config: configOf(stack),
    account: () => ({ check: async () => {}, isSimulated: false, config: {} }),
  } as unknown as Subject['services'];
  const deployment = new Deployment({ ...names, isLocal: false });
  return checkDeployment({ services, deployment, isLocal: false }, AbortSignal.timeout(60_000));
}

async function troubles(stack?: Stack): Promise<string[]> {
  return (await examine(stack)).flatMap(({ level, what }) => (level === 'ok' ? [] : [`${level}: ${what}`]));
}

describe('the doctor of a deployment on AWS', () => {
  it('finds nothing to do for the stack as it is synthesized', async () => {
    const findings = await examine();
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.map(({ what }) => what)).toContain("The functions' roles allow what their steps do.");
  });

  it('says which right a role lacks', async () => {
    const { plain } = readBooks();
    const submit = plain['batchdrop-submit']?.filter(
      ({ actions }) => !actions.includes('secretsmanager:GetSecretValue'),
    );
    account.policies = { ...plain, 'batchdrop-submit': submit ?? [] };
    const found = await troubles();
    expect(found).toHaveLength(Object.keys(configurations.plain.providers).length);
    expect(found).toContain(
      `error: The function batchdrop-submit may not secretsmanager:GetSecretValue on ${secretArn('batchdrop/openai')}.`,
    );
  });

  it('knows a key of the bucket by its ARN and its id, and who may use it', async () => {
    account.policies = readBooks().ownKey;
    for (const key of [ourKey, 'of-the-bucket']) {
      account.encryption = encryptedBy(key);
      expect(await troubles('ownKey'), key).toEqual([]);
    }
    account.policies = readBooks().plain;
    expect(await troubles('ownKey')).toContainEqual(
      `error: The function batchdrop-api may not kms:Decrypt on ${ourKey}.`,
    );
    account.encryption = encryptedBy('arn:aws:kms:us-east-1:000000000000:alias/aws/s3');
    expect(await troubles()).toEqual([]);
  });

  it('counts a lifecycle rule only where it is for the whole folder', async () => {
    const old = (filter: string) =>
      rule(`<Filter>${filter}</Filter><Expiration><Days>1</Days></Expiration>`) +
      rule(
        `<Filter>${filter}</Filter><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>`,
      );
    const tag = '<Tag><Key>class</Key><Value>old</Value></Tag>';
    account.versioning = '<Status>Enabled</Status>';
    account.lifecycle += [tag, `<And><Prefix></Prefix>${tag}</And>`, '<Prefix>archive/</Prefix>'].map(old).join('');
    expect(await troubles()).toEqual([
      'warning: The bucket keeps old versions of files under work/, which expire: they are never gone.',
    ]);
    account.lifecycle = account.lifecycle.replace(expiry('work/', 107), '');
    expect(await troubles()).toContainEqual('warning: Files under work/ never expire, and cost storage.');
    account.lifecycle = old('<Prefix></Prefix>') + uploads;
    expect(await troubles()).toEqual([
      expect.stringMatching(/^error: Files under work\/ expire after 1 days/),
      expect.stringMatching(/^error: Status files expire after 1 day/),
    ]);
  });

  it('finds another deployment on the same bucket, and none on a bucket whose name is only alike', async () => {
    account.rules.alike = { pattern: inboxOf('batchdrop-2'), target: functionArn('Alike-intake') };
    expect(await troubles()).toEqual([]);
    account.rules.other = { pattern: inboxOf('batchdrop'), target: functionArn('Other-intake') };
    expect(await troubles()).toEqual([
      expect.stringMatching(/^error: The deployment Other takes the drops of batchdrop, too/),
    ]);
  });
});
