import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reasonsAgainst } from '../../cdk/deploying/guard.ts';
import type { StandingStack } from '../../cdk/deploying/stacks.ts';
import { root } from '../../cdk/packages.ts';
import { deploymentSettingsSchema } from '../../lib/records/deployment-settings.ts';
import { temporaryFolder } from './synthesize.ts';

const ofItsOwn: StandingStack = { bucket: 'made', table: 'made', ownsBucket: true, ownsTable: true };
const named: StandingStack = { bucket: 'ours', table: 'ours', ownsBucket: false, ownsTable: false };

describe('a deploy is refused', () => {
  const reasons = (settings: object, standing: StandingStack | null, listeners: string[] = []) =>
    reasonsAgainst(deploymentSettingsSchema.parse(settings), standing, listeners);

  it.each<[string, object, StandingStack | null]>([
    ['a first one', {}, null],
    ['a first one with what is kept', { bucketName: 'kept', tableName: 'kept' }, null],
    ["an update with the stack's own bucket and table", {}, ofItsOwn],
    ['an update with those that are named', { bucketName: 'ours', tableName: 'ours' }, named],
    ['what the stack made, once it is named', { bucketName: 'made', tableName: 'made' }, ofItsOwn],
  ])('not for %s', (_which, settings, standing) => {
    expect(reasons(settings, standing)).toEqual([]);
  });

  it('where the name of the bucket or table was forgotten, and says what to set', () => {
    const [bucket, table, ...others] = reasons({}, named);
    expect(bucket).toMatch(/from the bucket ours to a new bucket.*set bucketName to "ours"/);
    expect(table).toMatch(/from the table ours to a new table.*set tableName to "ours"/);
    expect(others).toEqual([]);
  });

  it('where another bucket or table is named', () => {
    expect(reasons({ bucketName: 'other' }, ofItsOwn)).toEqual([
      expect.stringMatching(/to the bucket other.*remove bucketName/),
    ]);
    expect(reasons({ bucketName: 'ours', tableName: 'other' }, named)).toEqual([
      expect.stringMatching(/to the table other.*set tableName to "ours"/),
    ]);
  });

  it("where another deployment takes the bucket's drops", () => {
    expect(reasons({ bucketName: 'ours' }, null, ['Staging'])).toEqual([
      expect.stringContaining('The deployment Staging takes the drops of the bucket ours already'),
    ]);
  });
});

/** What CloudFormation and EventBridge have, as far as a deploy asks. */
interface Account {
  /** Null where there is no stack. */
  outputs: Record<string, string> | null;
  resources: [type: string, name: string][];
  /** By the name of each rule: its pattern and its target. */
  rules: Record<string, [pattern: object, target: string]>;
}

const awsCalls: URLSearchParams[] = [];
let account: Account;
let server: Server;

beforeEach(async () => {
  account = { outputs: null, resources: [], rules: {} };
  awsCalls.length = 0;
  server = createServer(async (request, response) => {
    const body = await text(request);
    const target = String(request.headers['x-amz-target'] ?? '');
    response.setHeader('content-type', target ? 'application/x-amz-json-1.1' : 'text/xml');
    const answer = target
      ? answerOfEventBridge(target, JSON.parse(body))
      : answerOfCloudFormation(new URLSearchParams(body));
    if (answer === null) response.statusCode = 400;
    response.end(answer ?? noSuchStack);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => {
  server.close();
});

const noSuchStack =
  '<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id Batchdrop does not exist</Message></Error></ErrorResponse>';

function answerOfCloudFormation(call: URLSearchParams): string | null {
  awsCalls.push(call);
  const action = call.get('Action') ?? '';
  const result = (inner: string) =>
    `<${action}Response><${action}Result>${inner}</${action}Result></${action}Response>`;
  if (account.outputs === null) return null;
  if (action === 'DescribeStacks') {
    const outputs = Object.entries(account.outputs).map(
      ([name, value]) => `<member><OutputKey>${name}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    return result(
      `<Stacks><member><StackName>Batchdrop</StackName><CreationTime>2026-11-30T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${outputs.join('')}</Outputs></member></Stacks>`,
    );
  }
  if (action === 'ListStackResources') {
    const resources = account.resources.map(
      ([type, name]) =>
        `<member><ResourceType>${type}</ResourceType><PhysicalResourceId>${name}</PhysicalResourceId></member>`,
    );
    return result(`<StackResourceSummaries>${resources.join('')}</StackResourceSummaries>`);
  }
  return result('<StackId>Batchdrop</StackId>');
}

function answerOfEventBridge(target: string, { Rule: rule }: { Rule?: string }): string {
  if (target.endsWith('ListRules'))
    return JSON.stringify({
      Rules: Object.entries(account.rules).map(([name, [pattern]]) => ({
        Name: name,
        EventPattern: JSON.stringify(pattern),
      })),
    });
  return JSON.stringify({ Targets: [{ Id: 'Target0', Arn: account.rules[rule ?? '']?.[1] }] });
}

/** Runs `npm run deploy` with something else in place of CDK, which notes that it was called, and may fail. */
async function deploy(
  deployment: object,
  status = 0,
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stderr: string; cdk: string | null }> {
  const folder = temporaryFolder();
  const [config, cdk, noted] = ['config.json', 'cdk.cjs', 'noted'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(config, JSON.stringify({ providers: { openai: { kind: 'openai', secret: 'openai' } }, deployment }));
  writeFileSync(
    cdk,
    `require('fs').writeFileSync(${JSON.stringify(noted)}, process.argv.slice(2).join(' ')); process.exit(${status});`,
  );
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const env = {
    PATH: process.env.PATH,
    BATCHDROP_CDK: cdk,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...environment,
  };
  const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['scripts/deploy.ts', '-c', `config=${config}`],
      { cwd: root, env },
      (_, __, told) => resolve({ code: child.exitCode ?? 1, stderr: told }),
    );
  });
  return { code, stderr, cdk: readNote(noted) };
}

function readNote(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function protections(): (string | null)[] {
  return awsCalls
    .filter((call) => call.get('Action') === 'UpdateTerminationProtection')
    .map((call) => call.get('EnableTerminationProtection'));
}

const inboxOf = (bucket: string) => ({
  source: ['aws.s3'],
  detail: { bucket: { name: [bucket] }, object: { key: [{ prefix: 'inbox/' }] } },
});

describe('npm run deploy', () => {
  it('hands its options to CDK, and protects what stands then', async () => {
    account.outputs = { Bucket: 'made', Table: 'made' };
    account.resources = [
      ['AWS::S3::Bucket', 'made'],
      ['AWS::DynamoDB::Table', 'made'],
    ];
    const { code, cdk, stderr } = await deploy({});
    expect(stderr).toBe('');
    expect(cdk).toMatch(/^deploy -c config=.*config.json$/);
    expect(code).toBe(0);
    expect(protections()).toEqual(['true']);
  });

  it('takes the protection away where everything may go, and leaves it where the deploy failed', async () => {
    account.outputs = { Bucket: 'made' };
    account.resources = [['AWS::S3::Bucket', 'made']];
    await deploy({ removalPolicy: 'destroy' });
    expect(protections()).toEqual(['false']);
    expect((await deploy({}, 3)).code).toBe(3);
    expect(protections()).toEqual(['false']);
  });

  it('stops before it changes the bucket', async () => {
    account.outputs = { Bucket: 'ours', Table: 'made' };
    account.resources = [['AWS::DynamoDB::Table', 'made']];
    const { code, cdk, stderr } = await deploy({});
    expect({ code, cdk }).toEqual({ code: 1, cdk: null });
    expect(stderr).toMatch(/^Nothing was deployed.\nThis deploy would go over from the bucket ours to a new bucket/);
  });

  it('says what is missing where no region is set', async () => {
    const { code, cdk, stderr } = await deploy({}, 0, { AWS_REGION: undefined });
    expect({ code, cdk }).toEqual({ code: 1, cdk: null });
    expect(stderr).toContain('export AWS_REGION');
  });

  it("stops where two deployments would take the same bucket's drops, and goes on where it is the one", async () => {
    account.rules = {
      'Old-EventsDropped-1': [inboxOf('ours'), 'arn:aws:lambda:eu-west-1:111122223333:function:Old-intake'],
      'Old-EventsDropped-2': [inboxOf('theirs'), 'arn:aws:lambda:eu-west-1:111122223333:function:Theirs-intake'],
    };
    const refused = await deploy({ bucketName: 'ours' });
    expect(refused.cdk).toBeNull();
    expect(refused.stderr).toContain('The deployment Old takes the drops of the bucket ours already');
    expect((await deploy({ bucketName: 'ours', stackName: 'Old' })).cdk).not.toBeNull();
  });
});
