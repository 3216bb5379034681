import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError, ProviderAuthenticationError } from '../../lib/records/errors.ts';
import { table } from '../../lib/records/table.ts';
import { checkDeployment, type Finding, type Subject } from '../../lib/service/doctor.ts';
import { Deployment } from '../../lib/store/deployment.ts';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;

beforeAll(async () => {
  harness = await startHarness();
});

afterAll(() => harness.close());

const healthy: Subject['deployment'] = {
  bucket: 'our-bucket',
  table: 'our-table',
  stateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:Batchdrop',
  reachBucket: async () => {},
  sendsEventsToEventBridge: async () => true,
  expirationDays: async () => 107,
  describeTable: async () => ({ status: 'ACTIVE', indexes: Object.values(table.indexes).map(({ name }) => name) }),
  stateMachineStatus: async () => 'ACTIVE',
  rules: async (functionName) =>
    functionName === 'Batchdrop-intake'
      ? [{ name: 'Batchdrop-drop', isEnabled: true, pattern: '["our-bucket"], "prefix": "inbox/"', schedule: null }]
      : [{ name: 'Batchdrop-sweep', isEnabled: true, pattern: null, schedule: 'rate(15 minutes)' }],
  inboxListeners: async () => ['Batchdrop'],
  abortsUnfinishedUploads: async () => true,
  keepsOldVersions: async () => false,
  encryptionKey: async () => null,
  isOpenToPages: async () => false,
  secretArn: async (name) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-abcdef`,
  functionRole: async (functionName) => `arn:aws:iam::111122223333:role/${functionName}`,
  refusedActions: async () => [],
  functionConcurrency: async () => 1_000,
};

async function examineWith(change: Partial<Subject['deployment']>, key = async () => {}): Promise<Finding[]> {
  const account: Subject['services']['account'] = (name) => {
    const real = harness.services.account(name);
    return { ...real, check: key };
  };
  const services = { config: harness.services.config, account };
  return checkDeployment(
    { services, deployment: { ...healthy, ...change }, isLocal: false },
    AbortSignal.timeout(5_000),
  );
}

function refuse(name: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error('refused'), { name });
  };
}

describe('the doctor', () => {
  it('finds nothing to do for a whole deployment', async () => {
    const findings = await examineWith({});
    expect(findings.length).toBeGreaterThan(8);
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.every(({ whatToDo }) => whatToDo === null)).toBe(true);
  });

  it('asks the providers, the bucket and the table of the local stack', async () => {
    const { services } = harness;
    const stateMachineArn = healthy.stateMachineArn;
    const deployment = new Deployment({ bucket: 'batchdrop', table: 'batchdrop', stateMachineArn, isLocal: true });
    const findings = await checkDeployment({ services, deployment, isLocal: true }, AbortSignal.timeout(10_000));
    expect(findings.map(({ level, what }) => `${level}: ${what}`)).toEqual([
      "ok: Provider 'openai' accepts its key.",
      "ok: Provider 'anthropic' accepts its key.",
      'ok: The bucket batchdrop can be reached.',
      'ok: The table batchdrop is active.',
    ]);
  });

  it.each<[string, Partial<Subject['deployment']>, string]>([
    [
      'a bucket that sends no events',
      { sendsEventsToEventBridge: async () => false },
      'put-bucket-notification-configuration',
    ],
    ['a missing index', { describeTable: async () => ({ status: 'ACTIVE', indexes: ['byTenant'] }) }, 'npm run deploy'],
    ['a missing rule', { rules: async () => [] }, 'npm run deploy'],
    ['a right that is missing', { rules: refuse('AccessDeniedException') }, 'ask for the right'],
    ['a bucket that is not there', { reachBucket: refuse('NotFound') }, 'check both'],
    [
      'a region that nobody set',
      {
        reachBucket: async () => {
          throw new Error('Region is missing');
        },
      },
      'AWS_REGION',
    ],
    ['a session that has ended', { reachBucket: refuse('ExpiredTokenException') }, 'get-caller-identity'],
    [
      'another deployment on the same bucket',
      { inboxListeners: async () => ['Batchdrop', 'Old'] },
      'Remove one of the two',
    ],
    ['a key of KMS that no function may use', { encryptionKey: async () => 'arn:aws:kms:::key/1' }, 'bucketKmsKeyArn'],
    [
      'a role that lost a right',
      { refusedActions: async (role, { actions }) => (role.endsWith('-poll') ? actions : []) },
      'npm run deploy',
    ],
    ['work files that expire too soon', { expirationDays: async () => 2 }, 'workExpireDays'],
    [
      'status files that expire before their drops are a day old',
      { expirationDays: async (folder) => (folder === 'status/' ? 1 : 107) },
      'rule for status/',
    ],
  ])('says what to do about %s', async (_what, change, advice) => {
    const faults = (await examineWith(change)).filter(({ level }) => level === 'error');
    expect(faults.length).toBeGreaterThan(0);
    for (const { whatToDo } of faults) expect(whatToDo).toContain(advice);
  });

  it.each([new ProviderAuthenticationError('refused'), new ConfigurationError('The secret is empty')])(
    'says where the key goes that a provider refuses: %s',
    async (error) => {
      const findings = await examineWith({}, async () => {
        throw error;
      });
      expect(findings.filter(({ level }) => level === 'error').map(({ whatToDo }) => whatToDo)).toEqual([
        expect.stringContaining('--secret-id batchdrop/openai'),
        expect.stringContaining('--secret-id batchdrop/anthropic'),
      ]);
    },
  );

  it('names the function and the call that its role refuses', async () => {
    const findings = await examineWith({
      refusedActions: async (role, { actions }) =>
        role.endsWith('-api') ? actions.filter((one) => /Delete/.test(one)) : [],
    });
    expect(findings.filter(({ level }) => level === 'error').map(({ what }) => what)).toEqual([
      'The function Batchdrop-api may not dynamodb:DeleteItem on arn:aws:dynamodb:eu-west-1:111122223333:table/our-table.',
      'The function Batchdrop-api may not s3:DeleteObject on arn:aws:s3:::our-bucket/files/doctor.',
      'The function Batchdrop-api may not s3:DeleteObject on arn:aws:s3:::our-bucket/work/doctor.',
      'The function Batchdrop-api may not s3:DeleteObject on arn:aws:s3:::our-bucket/results/doctor.',
    ]);
  });

  it('warns of unfinished uploads and old versions that stay for ever', async () => {
    const findings = await examineWith({
      abortsUnfinishedUploads: async () => false,
      keepsOldVersions: async () => true,
    });
    expect(findings.filter(({ level }) => level === 'warning').map(({ whatToDo }) => whatToDo)).toEqual([
      expect.stringContaining('AbortIncompleteMultipartUpload'),
      expect.stringContaining('NoncurrentVersionExpiration'),
    ]);
  });

  it('warns of an account that runs few functions', async () => {
    const findings = await examineWith({ functionConcurrency: async () => 10 });
    expect(findings.filter(({ level }) => level === 'warning').map(({ whatToDo }) => whatToDo)).toEqual([
      expect.stringContaining('L-B99A9384'),
    ]);
  });
});
