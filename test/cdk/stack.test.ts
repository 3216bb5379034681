import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { BatchdropApp } from '../../cdk/batchdrop-app.ts';
import { functionNames } from '../../cdk/packages.ts';
import { sizeOf } from '../../cdk/sizes.ts';
import { parseConfig } from '../../lib/providers/config.ts';
import { functionTimeoutSeconds } from '../../lib/records/function-timeouts.ts';
import { batchOptionsSchema } from '../../lib/records/options.ts';
import { table } from '../../lib/records/table.ts';
import { bundledStack } from '../deployed/bundled-stack.ts';
import { newApp, synthesize, synthesizeConfig, temporaryFolder, withoutBundles } from './synthesize.ts';

describe('synth', () => {
  it('packs each function alone, and the configuration once, in a layer that all of them have', async () => {
    const { folder, template } = await bundledStack();
    const packed = (name: string) => globSync(`asset.*/${name}`, { cwd: folder });
    expect(packed('index.mjs')).toHaveLength(functionNames.length);
    expect(packed('batchdrop.config.json')).toHaveLength(1);
    const packages = packed('index.mjs').map((path) => dirname(path));
    // The API's package holds the console's pages beside its code.
    const more = packed('*').filter((path) => packages.includes(dirname(path)) && !path.endsWith('.mjs'));
    expect(more.map((path) => basename(path))).toEqual(['console']);

    const resources = Object.entries(template.Resources);
    const [layer] = resources.find(([, { Type: type }]) => type === 'AWS::Lambda::LayerVersion') ?? [];
    for (const [id, { Type: type, Properties: properties }] of resources)
      if (type === 'AWS::Lambda::Function')
        expect(properties, id).toMatchObject({
          Layers: [{ Ref: layer }],
          Environment: { Variables: { BATCHDROP_CONFIG_FILE: '/opt/batchdrop.config.json' } },
        });
    const text = readFileSync(join(folder, packed('batchdrop.config.json')[0] ?? ''), 'utf8');
    expect(Object.keys(parseConfig(text, 'the layer').providers)).toEqual(['openai', 'held', 'slow']);
    expect(text).not.toContain('who@example.org');
  }, 300_000);

  it('publishes no code for a changed configuration, and nothing at all for a setting that no function reads', () => {
    const changed = (settings: object, config = {}) => partsOf(synthesizeConfig({ ...config, deployment: settings }));
    const before = changed({});
    expect(changed({ alarmEmail: 'who@example.org' })).toEqual(before);
    const after = changed({}, { defaults: { max_attempts: 2 } });
    expect(after.code).toEqual(before.code);
    expect(after.layer).not.toEqual(before.layer);
  });

  // That a function's package is the same too is in bundles.test.ts.
  it('gives the same template from the same source', () => {
    const [first, second] = [0, 1].map(() => JSON.stringify(Template.fromStack(newApp(withoutBundles).stack).toJSON()));
    expect(second).toBe(first);
  });

  it('runs cdk-nag: a bucket that breaks its rules stops it', () => {
    const app = newApp(withoutBundles);
    new Bucket(app.stack, 'Careless');
    expect(() => app.synth()).toThrow('AwsSolutions-S1');
  });

  it('says which setting is wrong and what it may be', () => {
    expect(() => newApp({ removalPolicy: 'delete', resultsExpireDays: 0 })).toThrow(
      /batchdrop.config.json: deployment.removalPolicy: .*"retain".*; deployment.resultsExpireDays: /,
    );
    expect(() => newApp({ logRetentionDays: 8 })).toThrow('deployment.logRetentionDays: one of 1, 3, 5, 7,');
  });

  it('takes no setting on its command line, where the next deploy would forget it', () => {
    const app = () => new BatchdropApp({ context: { alarmEmail: 'who@example.org' } });
    expect(app).toThrow(/^alarmEmail: .* section "deployment" of the configuration file/);
  });

  it('says which provider is incomplete, and where', () => {
    const config = join(temporaryFolder(), 'wrong.config.json');
    writeFileSync(config, '{"providers": {"openai": {"kind": "openai"}}}');
    expect(() => newApp({ config })).toThrow(/wrong.config.json: providers.openai.secret: /);
    expect(() => newApp({ config: '/nowhere.json' })).toThrow('/nowhere.json cannot be read');
  });
});

/** Which packages a template's functions and their layer have. */
function partsOf(template: Template): { code: unknown[]; layer: unknown } {
  const [layer] = Object.values(template.findResources('AWS::Lambda::LayerVersion'));
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  return { code: functions.map(({ Properties }) => Properties.Code), layer: layer?.Properties.Content };
}

describe('the bucket', () => {
  it('is encrypted, private, reached over TLS only, and kept', () => {
    const template = synthesize();
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BucketEncryption: { ServerSideEncryptionConfiguration: Match.anyValue() },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  it('tells EventBridge of new objects without a function of its own', () => {
    const template = synthesize();
    template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    expect(Object.keys(template.findResources('AWS::Lambda::Function'))).toHaveLength(functionNames.length);
  });

  it('keeps results, and the files of a running batch longer than any batch may run', () => {
    const longestHours = 2_400;
    expect(batchOptionsSchema.safeParse({ deadline_hours: longestHours }).success).toBe(true);
    expect(batchOptionsSchema.safeParse({ deadline_hours: longestHours + 1 }).success).toBe(false);
    const rules = lifecycleRules(synthesize());
    expect(rules.find(({ Prefix: prefix }) => prefix === 'work/')?.ExpirationInDays).toBeGreaterThan(longestHours / 24);
    expect(rules.some(({ AbortIncompleteMultipartUpload: abort }) => abort !== undefined)).toBe(true);
    expect(rules.some(({ Prefix: prefix }) => prefix === 'results/')).toBe(false);
  });

  it('lets results expire where that is asked for', () => {
    const rules = lifecycleRules(synthesize({ resultsExpireDays: 90 }));
    expect(rules.find(({ Prefix: prefix }) => prefix === 'results/')?.ExpirationInDays).toBe(90);
  });

  it('lets no status file expire while its drop may count as lost', () => {
    const rules = lifecycleRules(synthesize({ resultsExpireDays: 2 }));
    expect(rules.find(({ Prefix: prefix }) => prefix === 'status/')?.ExpirationInDays).toBe(2);
    expect(() => newApp({ resultsExpireDays: 1 })).toThrow('deployment.resultsExpireDays');
  });

  it('may be one that exists', () => {
    const template = synthesize({ bucketName: 'a-bucket-of-ours' });
    template.resourceCountIs('AWS::S3::Bucket', 0);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { detail: { bucket: { name: ['a-bucket-of-ours'] } } },
    });
  });
});

describe('a bucket of KMS', () => {
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012';

  it('opens its key to whoever reads and writes the bucket, through S3 alone', () => {
    const template = synthesize({ bucketName: 'a-bucket-of-ours', bucketKmsKeyArn: key });
    const uses = Object.entries(template.findResources('AWS::IAM::Policy')).flatMap(([id, policy]) =>
      policy.Properties.PolicyDocument.Statement.filter((one: { Resource: unknown }) => one.Resource === key).map(
        ({ Action: action, Condition: condition }: { Action: string | string[]; Condition: object }) => {
          expect(condition).toEqual({
            StringEquals: {
              'kms:ViaService': { 'Fn::Join': ['', ['s3.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]] },
            },
          });
          return [id.replace(/^Functions|Role.*$/g, ''), action];
        },
      ),
    );
    const both = ['kms:Decrypt', 'kms:GenerateDataKey'];
    const writers = ['api', 'collect', 'finalize', 'intake', 'poll', 'prepare', 'submit', 'sweep'];
    expect(uses.toSorted()).toEqual(writers.map((name) => [name, both]));
  });

  it('opens its key to the jobs of Bedrock, too', () => {
    const template = synthesizeConfig({
      providers: { aws: { kind: 'bedrock' } },
      deployment: { bucketName: 'a-bucket-of-ours', bucketKmsKeyArn: key },
    });
    const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
    const statements = policies.flatMap(([id, policy]) =>
      id.startsWith('Bedrock') ? policy.Properties.PolicyDocument.Statement : [],
    );
    expect(statements).toContainEqual(
      expect.objectContaining({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: key }),
    );
  });

  it('must be one of your own', () => {
    expect(() => newApp({ bucketKmsKeyArn: key })).toThrow('name it by bucketName');
    expect(() => newApp({ bucketName: 'a-bucket', bucketKmsKeyArn: 'alias/ours' })).toThrow(
      'deployment.bucketKmsKeyArn',
    );
  });
});

describe("a page of another origin's", () => {
  it('may follow a link to an object where it may call the API', () => {
    const open = synthesizeConfig({ corsOrigins: ['https://app.example.org'] });
    open.hasResourceProperties('AWS::S3::Bucket', {
      CorsConfiguration: { CorsRules: [Match.objectLike({ AllowedMethods: ['GET', 'HEAD'], AllowedOrigins: ['*'] })] },
    });
    synthesize().hasResourceProperties('AWS::S3::Bucket', { CorsConfiguration: Match.absent() });
  });
});

interface Rule {
  Prefix?: string;
  ExpirationInDays?: number;
  AbortIncompleteMultipartUpload?: object;
}

function lifecycleRules(template: Template): Rule[] {
  const [bucket] = Object.values(template.findResources('AWS::S3::Bucket'));
  return bucket?.Properties.LifecycleConfiguration.Rules;
}

describe('the table', () => {
  it('is the one that the code uses, backed up and kept, but not where the creation of the stack fails', () => {
    synthesize().hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        // It would stop the removal by a rollback; `npm run deploy` protects the stack instead.
        DeletionProtectionEnabled: Match.absent(),
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        TimeToLiveSpecification: { AttributeName: table.timeToLiveAttribute, Enabled: true },
        KeySchema: [
          { AttributeName: table.partitionKey, KeyType: 'HASH' },
          { AttributeName: table.sortKey, KeyType: 'RANGE' },
        ],
        GlobalSecondaryIndexes: Object.values(table.indexes).map((index) => ({
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.partitionKey, KeyType: 'HASH' },
            { AttributeName: index.sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: index.projection },
        })),
      },
    });
  });

  it('may be one that an earlier stack left behind', () => {
    const template = synthesize({ tableName: 'left-behind' });
    template.resourceCountIs('AWS::DynamoDB::Table', 0);
    expect(template.findOutputs('Table').Table?.Value).toBe('left-behind');
    template.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: { BATCHDROP_TABLE: 'left-behind' } },
    });
    const policies = JSON.stringify(template.findResources('AWS::IAM::Policy'));
    expect(policies).toContain(':table/left-behind"');
    expect(policies).toContain(':table/left-behind/index/byTenant"');
  });
});

describe('a stack that may go', () => {
  it('takes bucket, table and keys along', () => {
    const template = synthesize({ removalPolicy: 'destroy' });
    for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret'])
      template.allResources(type, { DeletionPolicy: 'Delete' });
  });
});

describe("the providers' keys", () => {
  it('have a secret each, by its name in the configuration, without a value in the template', () => {
    const secrets = Object.values(synthesize().findResources('AWS::SecretsManager::Secret'));
    expect(secrets.map((secret) => secret.Properties.Name)).toEqual(['batchdrop/anthropic', 'batchdrop/openai']);
    for (const secret of secrets) {
      expect(secret.DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(secret.UpdateReplacePolicy).toBe('Retain');
      expect(Object.keys(secret.Properties)).toEqual(['Description', 'Name']);
    }
  });

  it('may be there already', () => {
    const template = synthesize({ createSecrets: false });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    expect(JSON.stringify(template.toJSON())).toContain(':secret:batchdrop/openai-??????');
  });
});

describe('a configuration whose accounts have no keys', () => {
  it('is a stack without secrets and without rights to any', () => {
    const template = synthesizeConfig({ providers: { aws: { kind: 'bedrock' } } });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).not.toContain('secretsmanager:');
  });
});

describe('each function', () => {
  it.each(functionNames)('%s has its time, memory, traces and a log that ends', (name) => {
    const template = synthesize();
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: `Batchdrop-${name}`,
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: functionTimeoutSeconds[name],
      MemorySize: sizeOf[name].memoryMiB,
      Environment: { Variables: { NODE_OPTIONS: Match.stringLikeRegexp('--max-semi-space-size=16 ') } },
      TracingConfig: { Mode: 'Active' },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: `/aws/lambda/Batchdrop-${name}`,
      RetentionInDays: 30,
    });
  });

  it('runs as often at a time as the account allows, or as the settings say', () => {
    const reserved = (template: Template) =>
      Object.values(template.findResources('AWS::Lambda::Function'))
        .filter(({ Properties }) => Properties.ReservedConcurrentExecutions !== undefined)
        .map(({ Properties }) => [Properties.FunctionName, Properties.ReservedConcurrentExecutions]);
    expect(reserved(synthesize())).toEqual([]);
    const bound = ['collect', 'finalize', 'intake', 'poll', 'prepare', 'submit'];
    expect(reserved(synthesize({ maxFunctionConcurrency: 20 })).toSorted()).toEqual(
      bound.map((name) => [`Batchdrop-${name}`, 20]),
    );
  });

  it('fits an account as new as today', () => {
    for (const { memoryMiB } of Object.values(sizeOf)) expect(memoryMiB).toBeLessThanOrEqual(3_008);
  });
});

describe('what fails', () => {
  it('is kept for two weeks: deliveries and runs of intake, and sweeps', () => {
    const template = synthesize();
    template.allResourcesProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 14 * 24 * 3_600 });
    template.resourceCountIs('AWS::SQS::Queue', 3);
    template.resourcePropertiesCountIs(
      'AWS::Lambda::EventInvokeConfig',
      { DestinationConfig: { OnFailure: Match.anyValue() } },
      2,
    );
    const rules = Object.values(template.findResources('AWS::Events::Rule'));
    expect(rules).toHaveLength(2);
    for (const rule of rules) expect(rule.Properties.Targets[0].DeadLetterConfig.Arn).toBeDefined();
  });

  it('raises an alarm that links to a heading of the runbook', () => {
    const template = synthesize({ alarmEmail: 'who@example.org', runbookUrl: 'https://example.org/runbook.md' });
    const headings = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8').match(/^## .*$/gm) ?? [];
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(13);
    for (const { Properties: alarm } of alarms) {
      const anchor = alarm.AlarmDescription.match(/ https:\/\/example.org\/runbook.md#([a-z-]+)$/)?.[1];
      expect(headings).toContain(`## ${anchor}`);
      expect(alarm.AlarmActions).toHaveLength(1);
      expect(alarm.TreatMissingData, 'a new stack has nothing to ring for').toBe('notBreaching');
    }
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'who@example.org' });
  });
});

describe('a stack of another name', () => {
  it('shares no name with the first', () => {
    const names = JSON.stringify(synthesize({ stackName: 'Second' }).toJSON());
    expect(names).not.toContain('Batchdrop-');
    expect(names).not.toContain('stateMachine:Batchdrop');
    expect(names).not.toContain('batchdrop/');
    expect(names).toContain('"second/openai"');
  });
});
